//! Tekst: what is sealed of a dossier, as JSON: who asks, and what a partner decided.

use serde::{Deserialize, Serialize};

use crate::domain::inzage::{Besluit, Oordeel, Verzoek};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VerzoekTekst {
    naam: String,
    geboortedatum: String,
    kenmerk: String,
    ontvangen_op: String,
    op_nummer: bool,
}

/// A decision about one row; without a grond it is released.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OordeelTekst {
    rij: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    grond: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    toelichting: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    verzwegen: bool,
}

pub(super) fn of_verzoek(verzoek: &Verzoek) -> String {
    let Verzoek { naam, geboortedatum, kenmerk, ontvangen_op, op_nummer } = verzoek.clone();
    json(&VerzoekTekst { naam, geboortedatum, kenmerk, ontvangen_op: ontvangen_op.to_string(), op_nummer })
}

pub(super) fn verzoek(tekst: &str) -> Option<Verzoek> {
    let VerzoekTekst { naam, geboortedatum, kenmerk, ontvangen_op, op_nummer } = serde_json::from_str(tekst).ok()?;
    Some(Verzoek { naam, geboortedatum, kenmerk, ontvangen_op: ontvangen_op.parse().ok()?, op_nummer })
}

pub(super) fn of_besluit(besluit: &Besluit) -> String {
    let of = |(rij, oordeel): (&u64, &Oordeel)| match oordeel.clone() {
        Oordeel::Vrijgegeven => OordeelTekst { rij: *rij, grond: None, toelichting: None, verzwegen: false },
        Oordeel::Achtergehouden { grond, toelichting, verzwegen } => {
            OordeelTekst { rij: *rij, grond: Some(grond.as_str().to_owned()), toelichting, verzwegen }
        }
    };
    json(&besluit.iter().map(of).collect::<Vec<_>>())
}

pub(super) fn besluit(tekst: &str) -> Option<Besluit> {
    let rows: Vec<OordeelTekst> = serde_json::from_str(tekst).ok()?;
    let of = |OordeelTekst { rij, grond, toelichting, verzwegen }: OordeelTekst| {
        let oordeel = match grond {
            None => Oordeel::Vrijgegeven,
            Some(grond) => Oordeel::Achtergehouden { grond: grond.parse().ok()?, toelichting, verzwegen },
        };
        Some((rij, oordeel))
    };
    rows.into_iter().map(of).collect()
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts and numbers have a form in JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inzage::Grond;

    #[test]
    fn what_was_asked_and_decided_is_read_as_it_was_written() {
        let asked = Verzoek {
            naam: "Bram \"de\" Vries".to_owned(),
            geboortedatum: "1987-05-12".to_owned(),
            kenmerk: "i-7".to_owned(),
            ontvangen_op: "2026-11-30".parse().unwrap(),
            op_nummer: true,
        };
        assert_eq!(verzoek(&of_verzoek(&asked)), Some(asked));
        let withheld = |grond, toelichting: Option<&str>, verzwegen| Oordeel::Achtergehouden {
            grond,
            toelichting: toelichting.map(str::to_owned),
            verzwegen,
        };
        let mut decided: Besluit =
            [(3, Oordeel::Vrijgegeven), (u64::MAX, withheld(Grond::Toezichtstaak, Some("x\ny"), false))].into();
        decided.extend(Grond::ALL.into_iter().zip(10..).map(|(grond, rij)| (rij, withheld(grond, None, true))));
        assert_eq!(besluit(&of_besluit(&decided)), Some(decided));
        for damaged in ["", "{}", "[{\"rij\":1,\"grond\":\"zomaar\"}]", "[{\"rij\":-1}]", "[{\"rij\":1,\"meer\":2}]"] {
            assert_eq!(besluit(damaged), None, "{damaged}");
        }
    }
}
