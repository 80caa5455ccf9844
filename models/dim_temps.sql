select
  cast(year(d) * 10000 + month(d) * 100 + day(d) as integer) as id_date,
  d as date,
  cast(day(d) as integer) as jour,
  cast(month(d) as integer) as mois,
  cast(year(d) as integer) as annee,
  cast(quarter(d) as integer) as trimestre,
  cast(week(d) as integer) as semaine,                -- ISO 8601
  cast(isodow(d) - 1 as integer) as jour_semaine,     -- Monday = 0
  dayname(d) as nom_jour,
  monthname(d) as nom_mois,
  isodow(d) >= 6 as est_weekend
from (select distinct date_achat as d from silver.achats)
order by d
