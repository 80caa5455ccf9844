#!/usr/bin/env python3
"""Computes the silver and gold tables of the retail demo in pandas, from the CSV files alone, and compares them with a lake.

usage: retail.py DATA_FOLDER LAKE_FOLDER [--today YYYY-MM-DD]

Written from the definitions of the tables, not from the project's SQL. The lake is read by delta-rs. Numbers may differ by 0.01.
Prints one line per table and the first differences; exit status 0 when all tables agree, 1 otherwise.
"""

import argparse
import csv
import glob
import gzip
import os
import sys
from decimal import Decimal

import pandas as pd
from deltalake import DeltaTable

TOLERANCE = 0.01 + 1e-9
DIFFERENCES_SHOWN = 5
SEGMENTS = ((5000, "Platinum"), (2000, "Gold"), (500, "Silver"))


def read_records(folder, name):
    """All whole records of `<name>*.csv[.gz]`, as texts, files in the order of their names. An empty field is missing."""
    rows, header = [], None
    for path in sorted(glob.glob(os.path.join(folder, f"{name}*.csv")) + glob.glob(os.path.join(folder, f"{name}*.csv.gz"))):
        opener = gzip.open if path.endswith(".gz") else open
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = next(reader)
            # A record with another number of fields than the header is not a row.
            rows += [record for record in reader if len(record) == len(header)]
    if header is None:
        sys.exit(f"no {name}*.csv in {folder}")
    frame = pd.DataFrame(rows, columns=header, dtype=object)
    return frame.where(frame != "", None)


def whole_ids(frame, columns):
    """Ids as integers; a record whose id is no number is not a row (a missing one is, and falls to the rules)."""
    for column in columns:
        numbers = pd.to_numeric(frame[column], errors="coerce")
        frame = frame[numbers.notna() | frame[column].isna()].copy()
        frame[column] = numbers.loc[frame.index].astype("Int64")
    return frame


def first_per_id(frame, key):
    """The first row of each id. Rows without an id are nobody's duplicates."""
    return frame[~(frame[key].notna() & frame.duplicated(subset=[key], keep="first"))]


def as_dates(texts):
    return pd.to_datetime(texts, errors="coerce", format="ISO8601").dt.normalize()


def title(texts):
    return texts.map(lambda text: text.strip().title())


def silver_clients(folder):
    clients = first_per_id(whole_ids(read_records(folder, "clients"), ["id_client"]), "id_client")
    clients = clients.dropna(subset=["id_client", "nom", "email", "pays"])
    clients = clients[clients["email"].str.contains("@", regex=False)].copy()
    clients["date_inscription"] = as_dates(clients["date_inscription"])
    clients = clients.dropna(subset=["date_inscription"])
    clients["pays"] = title(clients["pays"])
    return clients


def silver_achats(folder, clients, today):
    achats = first_per_id(whole_ids(read_records(folder, "achats"), ["id_achat", "id_client"]), "id_achat")
    achats = achats.copy()
    achats["montant"] = pd.to_numeric(achats["montant"], errors="coerce")
    achats["date_achat"] = as_dates(achats["date_achat"])
    achats = achats.dropna(subset=["id_achat", "id_client", "date_achat", "montant", "produit"])
    achats = achats[(achats["montant"] > 0) & (achats["montant"] <= 10000)]
    achats = achats[achats["date_achat"] <= today]
    achats = achats[achats["id_client"].isin(clients["id_client"])].copy()
    achats["produit"] = title(achats["produit"])
    return achats


def segment_of(total):
    return next((name for least, name in SEGMENTS if total >= least), "Bronze")


def dim_clients(clients, achats):
    per_client = achats.groupby("id_client").agg(
        total_ca=("montant", "sum"), nb_achats=("id_achat", "count"),
        premiere_commande=("date_achat", "min"), derniere_commande=("date_achat", "max"),
    ).reset_index()
    dim = clients.merge(per_client, on="id_client", how="left")
    dim["total_ca"] = dim["total_ca"].fillna(0.0)
    dim["nb_achats"] = dim["nb_achats"].fillna(0).astype(int)
    # Sums of binary fractions may miss a limit by less than any sum of amounts can.
    dim["segment"] = (dim["total_ca"] + 1e-9).map(segment_of)
    return dim


def dim_produits(achats):
    dim = achats.groupby("produit").agg(
        nb_ventes=("id_achat", "count"), ca_total=("montant", "sum"), prix_moyen=("montant", "mean"),
        prix_min=("montant", "min"), prix_max=("montant", "max"),
    ).sort_index().reset_index()
    dim.insert(0, "id_produit", range(1, len(dim) + 1))
    return dim


def dim_temps(achats):
    date = pd.Series(sorted(achats["date_achat"].unique()), name="date")
    return pd.DataFrame({
        "id_date": date.dt.strftime("%Y%m%d").astype(int), "date": date, "jour": date.dt.day, "mois": date.dt.month,
        "annee": date.dt.year, "trimestre": date.dt.quarter, "semaine": date.dt.isocalendar().week.astype(int),
        "jour_semaine": date.dt.day_of_week, "nom_jour": date.dt.day_name(), "nom_mois": date.dt.month_name(),
        "est_weekend": date.dt.day_of_week >= 5,
    })


def fact_ventes(achats, clients_dim, produits_dim):
    fact = achats.merge(produits_dim[["produit", "id_produit"]], on="produit")
    fact = fact.merge(clients_dim[["id_client", "segment"]].rename(columns={"segment": "segment_client"}), on="id_client")
    fact["date"] = fact["date_achat"]
    fact["mois"] = fact["date_achat"].dt.strftime("%Y-%m")
    fact["annee"] = fact["date_achat"].dt.year
    return fact[["id_achat", "id_client", "id_produit", "date_achat", "date", "mois", "annee", "produit", "montant", "segment_client"]]


def kpis(fact, clients_dim):
    by = lambda column: fact.groupby(column)
    jour = by("date").agg(ca_total=("montant", "sum"), nb_transactions=("id_achat", "count"), panier_moyen=("montant", "mean"))
    mois = by("mois").agg(
        ca_total=("montant", "sum"), nb_transactions=("id_achat", "count"), nb_clients_uniques=("id_client", "nunique"),
        panier_moyen=("montant", "mean"),
    ).sort_index()
    mois["taux_croissance"] = mois["ca_total"].pct_change() * 100
    with_pays = fact.merge(clients_dim[["id_client", "pays"]], on="id_client")
    pays = with_pays.groupby("pays").agg(
        ca_total=("montant", "sum"), nb_transactions=("id_achat", "count"), nb_clients=("id_client", "nunique"), panier_moyen=("montant", "mean"),
    )
    pays["part_ca"] = pays["ca_total"] / pays["ca_total"].sum() * 100
    produit = by("produit").agg(
        nb_ventes=("id_achat", "count"), ca_total=("montant", "sum"), prix_moyen=("montant", "mean"), nb_clients=("id_client", "nunique"),
    ).reset_index().sort_values(["nb_ventes", "produit"], ascending=[False, True])
    produit["rang"] = range(1, len(produit) + 1)
    top = clients_dim.assign(total_ca=clients_dim["total_ca"].round(2)).sort_values(["total_ca", "id_client"], ascending=[False, True]).head(100)
    top = top[["id_client", "nom", "pays", "segment", "total_ca", "nb_achats", "premiere_commande", "derniere_commande"]].copy()
    top["rang"] = range(1, len(top) + 1)
    stats = by("produit")["montant"].describe().reset_index()
    return {
        "kpi_ca_par_jour": (jour.reset_index(), "date"), "kpi_ca_par_mois": (mois.reset_index(), "mois"),
        "kpi_ca_par_pays": (pays.reset_index(), "pays"), "kpi_volume_par_produit": (produit, "produit"),
        "kpi_top_clients": (top, "rang"), "kpi_stats_distribution": (stats, "produit"),
    }


def all_tables(folder, today):
    """Table name → (frame, key)."""
    clients = silver_clients(folder)
    achats = silver_achats(folder, clients, today)
    clients_dim, produits_dim = dim_clients(clients, achats), dim_produits(achats)
    fact = fact_ventes(achats, clients_dim, produits_dim)
    tables = {
        "silver/clients": (clients, "id_client"), "silver/achats": (achats, "id_achat"),
        "gold/dim_clients": (clients_dim, "id_client"), "gold/dim_produits": (produits_dim, "id_produit"),
        "gold/dim_temps": (dim_temps(achats), "id_date"), "gold/fact_ventes": (fact, "id_achat"),
    }
    tables.update({f"gold/{name}": table for name, table in kpis(fact, clients_dim).items()})
    return tables


def comparable(value):
    """One value in a form that can be compared: None, float, ISO date or the value itself."""
    if value is None or value is pd.NaT or (isinstance(value, float) and pd.isna(value)) or value is pd.NA:
        return None
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return bool(value)
    if isinstance(value, (int, float, Decimal)) or hasattr(value, "dtype") and value.dtype.kind in "iuf":
        return float(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()[:10]
    return value


def same(ours, theirs):
    if isinstance(ours, float) and isinstance(theirs, float):
        return abs(ours - theirs) <= TOLERANCE
    return ours == theirs


def records(frame, columns, key):
    rows = {}
    for values in zip(*(frame[column].tolist() for column in columns)):
        row = dict(zip(columns, map(comparable, values)))
        rows.setdefault(row[key], []).append(row)
    return rows


def differences(expected, actual, key):
    """What differs, one text each."""
    if set(expected.columns) != set(actual.columns):
        missing, extra = sorted(set(expected.columns) - set(actual.columns)), sorted(set(actual.columns) - set(expected.columns))
        return [f"columns: missing {missing}, not expected {extra}"]
    columns = list(expected.columns)
    wanted, found = records(expected, columns, key), records(actual, columns, key)
    texts = [f"{key} {k} is missing" for k in wanted if k not in found]
    texts += [f"{key} {k} is not expected" for k in found if k not in wanted]
    for k, rows in found.items():
        if len(rows) > 1:
            texts.append(f"{key} {k} occurs {len(rows)} times")
        elif k in wanted:
            texts += [
                f"{key} {k}: {column} is {rows[0][column]!r}, expected {wanted[k][0][column]!r}"
                for column in columns if not same(wanted[k][0][column], rows[0][column])
            ]
    return texts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("lake")
    parser.add_argument("--today", default=None)
    arguments = parser.parse_args()
    today = pd.Timestamp(arguments.today) if arguments.today else pd.Timestamp.now("UTC").tz_localize(None).normalize()
    wrong = 0
    for name, (expected, key) in all_tables(arguments.data, today).items():
        actual = DeltaTable(os.path.join(arguments.lake, name)).to_pyarrow_table().to_pandas()
        found = differences(expected, actual, key)
        wrong += len(found) > 0
        print(f"{name}: {len(expected)} rows, {'agrees' if not found else f'{len(found)} differences'}")
        for text in found[:DIFFERENCES_SHOWN]:
            print(f"  {text}")
    return 1 if wrong else 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # The reader's own threads may still run, and then an orderly exit of the interpreter now and then ends in abort().
    os._exit(status)
