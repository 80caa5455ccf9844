select
  row_number() over (order by produit) as id_produit,
  produit,
  count(*) as nb_ventes,
  cast(sum(montant) as decimal(18, 2)) as ca_total,
  cast(sum(montant) / count(*) as decimal(18, 2)) as prix_moyen,
  cast(min(montant) as decimal(18, 2)) as prix_min,
  cast(max(montant) as decimal(18, 2)) as prix_max
from silver.achats
group by produit
