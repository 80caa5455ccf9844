with jours as (                                        -- a day's texts once a day instead of once a sale
  select date, strftime(date, '%Y-%m') as mois, annee
  from gold.dim_temps
)
select
  a.id_achat,
  a.id_client,
  p.id_produit,
  a.date_achat,
  a.date_achat as date,
  j.mois,
  j.annee,
  a.produit,
  cast(a.montant as decimal(18, 2)) as montant,
  c.segment as segment_client
from silver.achats as a
left join gold.dim_clients as c on c.id_client = a.id_client
left join gold.dim_produits as p on p.produit = a.produit
left join jours as j on j.date = a.date_achat
