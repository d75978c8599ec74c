//! The report of a period on the wire.

use super::{content::Checker, zoekfilter::days};
use crate::{
    domain::Weigering,
    exchange::toezicht::rapport::{Afdeling, MOST_DAYS, Periode, Rapport, Schakel, Tabel},
    proto,
};

/// Which days are reported, each wrong field named at once.
///
/// # Errors
/// [`Weigering::OngeldigVeld`].
pub fn periode(van: &str, tot_en_met: &str) -> Result<Periode, Weigering> {
    let mut checker = Checker::default();
    for (veld, text) in [("van", van), ("tot_en_met", tot_en_met)] {
        if text.is_empty() {
            checker.wrong(veld, "een dag als 2026-10-01");
        }
    }
    let days = days(&mut checker, ("van", van), ("tot_en_met", tot_en_met));
    let (Some(van), Some(tot_en_met)) = days else { return Err(Weigering::OngeldigVeld(checker.0)) };
    if (tot_en_met - van).get_days() >= MOST_DAYS {
        checker.wrong("tot_en_met", format!("een dag waarmee de periode hoogstens {MOST_DAYS} dagen heeft"));
    }
    if checker.0.is_empty() { Ok(Periode { van, tot_en_met }) } else { Err(Weigering::OngeldigVeld(checker.0)) }
}

/// A report as it is sent.
#[must_use]
pub fn response(rapport: Rapport, vkey: String) -> proto::GetRapportResponse {
    let Rapport { periode, gemaakt, partners, eerste, tot, afdelingen, keten, .. } = rapport;
    let schakel = |of: Schakel| proto::Schakel {
        van_checkpoint: of.van,
        tot_checkpoint: of.tot,
        hashes: of.hashes.iter().map(|hash| hash.to_vec()).collect(),
    };
    proto::GetRapportResponse {
        van: periode.van.to_string(),
        tot_en_met: periode.tot_en_met.to_string(),
        gemaakt,
        partners,
        eerste_index: eerste,
        tot_index: tot,
        afdelingen: afdelingen.into_iter().map(afdeling).collect(),
        keten: keten.into_iter().map(schakel).collect(),
        vkey,
    }
}

fn afdeling(of: Afdeling) -> proto::Afdeling {
    let Afdeling { naam, titel, zinnen, tabellen } = of;
    let tabellen = tabellen.into_iter().map(tabel).collect();
    proto::Afdeling { naam: naam.to_owned(), titel: titel.to_owned(), zinnen, tabellen }
}

fn tabel(of: Tabel) -> proto::Tabel {
    let Tabel { naam, titel, kolommen, rijen, weggelaten } = of;
    proto::Tabel {
        naam: naam.to_owned(),
        titel: titel.to_owned(),
        kolommen: kolommen.iter().map(|kolom| (*kolom).to_owned()).collect(),
        rijen: rijen.into_iter().map(|waarden| proto::Rij { waarden }).collect(),
        weggelaten,
    }
}

/// Rows as CSV (RFC 4180), in which no value is taken for a formula by a spreadsheet.
#[must_use]
pub fn rekenblad(rows: impl IntoIterator<Item = Vec<String>>) -> Vec<u8> {
    let plain = |value: &String| {
        let is_formula = value.len() > 1 && value.starts_with(['=', '+', '-', '@', '\t', '\r']);
        if is_formula { format!("'{value}") } else { value.clone() }
    };
    let mut out = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for row in rows {
        out.write_record(row.iter().map(plain)).expect("writing to memory does not fail");
    }
    out.into_inner().expect("writing to memory does not fail")
}

/// All of it in one table, a value a row.
#[must_use]
pub fn csv(rapport: &proto::GetRapportResponse) -> Vec<u8> {
    let cell = |afdeling: &str, tabel: &str, rij: usize, kolom: &str, waarde: &str| {
        vec![afdeling.to_owned(), tabel.to_owned(), (rij + 1).to_string(), kolom.to_owned(), waarde.to_owned()]
    };
    let mut rows = vec![["afdeling", "tabel", "rij", "kolom", "waarde"].map(str::to_owned).to_vec()];
    for afdeling in &rapport.afdelingen {
        let said = afdeling.zinnen.iter().enumerate();
        rows.extend(said.map(|(number, zin)| cell(&afdeling.naam, "zinnen", number, "zin", zin)));
        for tabel in &afdeling.tabellen {
            for (number, rij) in tabel.rijen.iter().enumerate() {
                let values = tabel.kolommen.iter().zip(&rij.waarden);
                rows.extend(values.map(|(kolom, waarde)| cell(&afdeling.naam, &tabel.naam, number, kolom, waarde)));
            }
            if tabel.weggelaten > 0 {
                let more = tabel.weggelaten.to_string();
                rows.push(cell(&afdeling.naam, &tabel.naam, tabel.rijen.len(), "weggelaten rijen", &more));
            }
        }
    }
    for (number, schakel) in rapport.keten.iter().enumerate() {
        let van = schakel.van_checkpoint.as_deref().map(|van| ("van_checkpoint", van));
        let both = van.into_iter().chain([("tot_checkpoint", schakel.tot_checkpoint.as_str())]);
        rows.extend(both.map(|(kolom, nota)| cell("bewijs", "keten", number, kolom, nota)));
    }
    rows.push(cell("bewijs", "sleutel", 0, "vkey", &rapport.vkey));
    rekenblad(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_a_formula() {
        let row = ["=1+1", "-", "-1", "a=b", "x,\"y\""].map(str::to_owned).to_vec();
        assert_eq!(String::from_utf8(rekenblad([row])).unwrap(), "'=1+1,-,'-1,a=b,\"x,\"\"y\"\"\"\n");
    }
}
