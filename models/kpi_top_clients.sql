select
  id_client,
  nom,
  pays,
  segment,
  total_ca,
  nb_achats,
  premiere_commande,
  derniere_commande,
  row_number() over (order by total_ca desc, id_client) as rang
from gold.dim_clients
order by rang
limit 100
