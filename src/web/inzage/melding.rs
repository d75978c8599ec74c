//! Melding: why a form was refused, above that form when it is shown again.

use crate::{
    domain::Weigering,
    web::{fout, velden::Velden},
};

/// What is asked about a row without a decision.
const KIES: &str = "kies vrijgeven, of een grond om het achter te houden";

/// Why a form was refused.
pub(super) struct Melding {
    pub(super) uitleg: &'static str,
    pub(super) velden: Vec<Fout>,
    /// An open request that is the same.
    pub(super) bestaat: Option<u64>,
}

/// A field that was wrong.
pub(super) struct Fout {
    pub(super) naam: String,
    /// Where it stands on the page.
    pub(super) plaats: String,
    /// The words beside it.
    pub(super) label: String,
    pub(super) uitleg: String,
}

impl Melding {
    fn new(weigering: &Weigering, velden: Vec<Fout>) -> Self {
        let bestaat = if let Weigering::DossierBestaat(nummer) = weigering { Some(*nummer) } else { None };
        Self { uitleg: weigering.uitleg(), velden, bestaat }
    }

    /// Of a new request.
    pub(super) fn of_nieuw(weigering: &Weigering) -> Self {
        let fout = |veld: &str, uitleg: &str| {
            let naam = fout::on_page(veld);
            let label = match naam {
                "medewerker" => "Uw personeelsreferentie".to_owned(),
                "opnieuw" => "Dit is een nieuw verzoek".to_owned(),
                other => fout::label(other),
            };
            // Of a person as a whole the first number is where it begins.
            let plaats = if naam == "persoon" { "skn" } else { naam };
            Fout { naam: naam.to_owned(), plaats: plaats.to_owned(), label, uitleg: uitleg.to_owned() }
        };
        Self::new(weigering, weigering.overtredingen().iter().map(|of| fout(&of.veld, &of.uitleg)).collect())
    }

    /// Of something that is done in a dossier, where these rows are to be decided about.
    pub(super) fn of_daad(weigering: &Weigering, velden: &Velden, rijen: &[u64]) -> Self {
        let wrong = weigering.overtredingen().iter().flat_map(|of| {
            let uitleg = if of.veld == "overige" { KIES } else { &of.uitleg };
            let names = fields(&of.veld, velden, rijen);
            names.into_iter().map(move |naam| fout_in_daad(naam, velden.value("daad"), uitleg))
        });
        Self::new(weigering, wrong.collect())
    }
}

/// The fields of the page that a field of the call is about.
fn fields(veld: &str, velden: &Velden, rijen: &[u64]) -> Vec<String> {
    if veld == "overige" {
        let undecided = rijen.iter().map(|rij| format!("rij-{rij}")).filter(|naam| velden.value(naam).is_empty());
        return undecided.collect();
    }
    let indexed = veld.strip_prefix("besluiten[").and_then(|rest| rest.split_once(']'));
    let Some((at, of)) = indexed else {
        return vec![veld.strip_prefix("inzage.").unwrap_or(veld).to_owned()];
    };
    let mut rows = velden.iter().filter_map(|(naam, _)| naam.strip_prefix("rij-"));
    let rij = at.parse().ok().and_then(|at| rows.nth(at)).unwrap_or_default();
    let what = if of.ends_with(".toelichting") { "toelichting" } else { "rij" };
    vec![format!("{what}-{rij}")]
}

fn fout_in_daad(naam: String, daad: &str, uitleg: &str) -> Fout {
    let label = match (naam.as_str(), naam.split_once('-')) {
        ("medewerker", _) => "Uw personeelsreferentie".to_owned(),
        ("reden", _) => "Waarom het antwoord langer duurt".to_owned(),
        ("besluiten", _) => "Uw besluiten".to_owned(),
        (_, Some(("rij", rij))) => format!("Uw besluit over logregel {rij}"),
        (_, Some(("toelichting", rij))) => format!("Toelichting voor de betrokkene bij logregel {rij}"),
        (_, Some(("stil", rij))) => format!("Ook niet zeggen dat u logregel {rij} achterhoudt"),
        (other, _) => other.to_owned(),
    };
    let plaats = match naam.as_str() {
        "medewerker" => format!("medewerker-{daad}"),
        "besluiten" => "rijen".to_owned(),
        other => other.to_owned(),
    };
    Fout { naam, plaats, label, uitleg: uitleg.to_owned() }
}
