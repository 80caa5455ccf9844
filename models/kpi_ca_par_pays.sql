with par_client as (
  select id_client, sum(montant) as ca, count(*) as nb
  from silver.achats
  group by id_client
),
par_pays as (
  select c.pays, sum(a.ca) as ca, sum(a.nb) as nb, count(*) as nb_clients
  from par_client as a
  join silver.clients as c on c.id_client = a.id_client
  group by c.pays
)
select
  pays,
  cast(ca as decimal(18, 2)) as ca_total,
  cast(nb as bigint) as nb_transactions,
  nb_clients,
  cast(ca / nb as decimal(18, 2)) as panier_moyen,
  round(100 * cast(ca as double) / sum(ca) over (), 2) as part_ca
from par_pays
order by ca desc, pays
