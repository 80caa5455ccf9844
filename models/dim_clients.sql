with ventes as (
  select id_client, sum(montant) as total_ca, count(*) as nb_achats, min(date_achat) as premiere_commande, max(date_achat) as derniere_commande
  from silver.achats
  group by id_client
)
select
  c.id_client,
  c.nom,
  c.email,
  c.date_inscription,
  c.pays,
  cast(coalesce(v.total_ca, 0) as decimal(18, 2)) as total_ca,
  coalesce(v.nb_achats, 0) as nb_achats,
  v.premiere_commande,
  v.derniere_commande,
  case
    when v.total_ca >= 5000 then 'Platinum'
    when v.total_ca >= 2000 then 'Gold'
    when v.total_ca >= 500 then 'Silver'
    else 'Bronze'
  end as segment
from silver.clients as c
left join ventes as v on v.id_client = c.id_client
