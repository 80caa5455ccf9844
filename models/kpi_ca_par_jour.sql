select
  date_achat as date,
  cast(sum(montant) as decimal(18, 2)) as ca_total,
  count(*) as nb_transactions,
  cast(sum(montant) / count(*) as decimal(18, 2)) as panier_moyen
from silver.achats
group by date_achat
order by date_achat
