with par_produit as (
  select produit, count(*) as nb, sum(montant) as ca, count(distinct id_client) as nb_clients
  from silver.achats
  group by produit
)
select
  produit,
  nb as nb_ventes,
  cast(ca as decimal(18, 2)) as ca_total,
  cast(ca / nb as decimal(18, 2)) as prix_moyen,
  nb_clients,
  row_number() over (order by nb desc, produit) as rang
from par_produit
order by rang
