with par_produit as (
  select
    produit,
    count(*) as n,
    sum(montant) / count(*) as moyenne,
    stddev_samp(montant) as ecart,
    min(montant) as mini,
    max(montant) as maxi,
    quantile_cont(montant, [0.25, 0.5, 0.75]) as q
  from silver.achats
  group by produit
)
select
  produit,
  n as "count",
  cast(moyenne as decimal(18, 2)) as mean,
  cast(ecart as decimal(18, 2)) as std,
  cast(mini as decimal(18, 2)) as min,
  cast(q[1] as decimal(18, 2)) as "25%",
  cast(q[2] as decimal(18, 2)) as "50%",
  cast(q[3] as decimal(18, 2)) as "75%",
  cast(maxi as decimal(18, 2)) as max
from par_produit
order by produit
