with par_mois as (
  select year(date_achat) * 12 + month(date_achat) as n, min(date_achat) as un_jour, sum(montant) as ca, count(*) as nb, count(distinct id_client) as nb_clients
  from silver.achats
  group by n
)
select
  strftime(un_jour, '%Y-%m') as mois,
  cast(ca as decimal(18, 2)) as ca_total,
  nb as nb_transactions,
  nb_clients as nb_clients_uniques,
  cast(ca / nb as decimal(18, 2)) as panier_moyen,
  round(100 * (cast(ca as double) / lag(ca) over (order by n) - 1), 2) as taux_croissance
from par_mois
order by n
