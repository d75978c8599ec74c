//! Fout (error): what was refused, as a page says it: by the words that stand on the page, and not by those of calls.

use askama::Template;
use axum::{
    body::Body,
    http::{Response, StatusCode},
};

use super::pagina::{Kop, harden, page};
use crate::{
    domain::{Overtreding, Weigering, weigering::Aard},
    grpc::boundary::Refused,
};

/// Fields of calls that stand in another one; on a page each stands by itself.
const WITHIN: [&str; 3] = ["filter.", "inzage.", "persoon."];

/// Fields by the words that stand beside them.
const LABELS: [(&str, &str); 37] = [
    ("afzender", "Afzender"),
    ("berichtsoort", "Soort bericht"),
    ("bericht", "Het nummer van het bericht in het adres"),
    ("bewaard", "Een bestand dat u bewaarde, of de tekst ervan"),
    ("bsn", "BSN"),
    ("buiten_kantooruren", "Alleen buiten kantooruren"),
    ("conclusie", "Wat u van deze periode vindt"),
    ("convenant", "Convenant"),
    ("dossier", "Het nummer van het verzoek in het adres"),
    ("geboortedatum", "Geboortedatum"),
    ("gesprek", "Nummer van een gesprek"),
    ("grondslag", "Grondslag"),
    ("houdbaar_tot_en_met", "Laatste houdbare dag, tot en met"),
    ("houdbaar_van", "Laatste houdbare dag, van"),
    ("kenmerk", "Uw kenmerk"),
    ("logboek", "Het logboek in het adres"),
    ("logregel", "Het nummer van de logregel in het adres"),
    ("loket", "Loket, zoals zsm/jeugd"),
    ("medewerker", "Personeelsreferentie"),
    ("naam", "Naam"),
    ("ontvangen_op", "Ontvangen op"),
    ("ontvanger", "Ontvanger"),
    ("ook_gesloten", "Welke verzoeken, in het adres"),
    ("op", "Wat mocht aan het eind van deze dag"),
    ("pagina", "De bladzijde in het adres"),
    ("partner", "Partner"),
    ("persoon", "Naam met geboortedatum, SKN of BSN"),
    ("reden", "Waarom u zoekt"),
    ("regel", "Regel van het convenant"),
    ("skn", "SKN"),
    ("soort", "Wat er gebeurde"),
    ("toon", "De weergave in het adres"),
    ("tot_en_met", "Tot en met"),
    ("uitkomst", "Uitkomst van zoeken"),
    ("van", "Van"),
    ("voorstel", "Het voorstel in het adres"),
    ("weigering", "Reden van weigering"),
];

/// What calls ask of a field, and how a page asks it.
const ASKED: [(&str, &str); 8] = [
    ("de id van een bericht", "het nummer dat bij het verloop van een bericht staat"),
    ("gevonden of niet_gevonden", "een uitkomst uit de keuzelijst"),
    ("codes van weigeringen, zoals geen_regel", "een reden uit de keuzelijst"),
    ("een soort, zoals geweigerd", "een gebeurtenis uit de keuzelijst"),
    ("een berichtsoort, zoals scenario", "een soort uit de keuzelijst"),
    (
        "bij een naam ook de hele geboortedatum, en andersom; of zoek op skn of bsn",
        "bij een naam ook de geboortedatum, en andersom; of zoek op SKN of BSN",
    ),
    ("een hele datum als 1987-05-12; zoek anders op skn of bsn", "een hele datum; zoek anders op SKN of BSN"),
    ("een skn, een bsn, of een naam met geboortedatum", "een SKN, een BSN, of een naam met geboortedatum"),
];

/// Fields that are named, at most: an address can have very many that no page has.
const MOST_NAMED: usize = 10;

/// A field that was wrong.
struct FoutVeld<'a> {
    naam: &'a str,
    /// The words beside it on the page.
    label: String,
    uitleg: &'a str,
}

#[derive(Template)]
#[template(path = "fout.html")]
struct Fout<'a> {
    kop: Kop,
    uitleg: &'a str,
    velden: Vec<FoutVeld<'a>>,
    /// How many more were wrong.
    meer: usize,
    code: &'a str,
}

/// What was refused, in words. It shows nothing of the logboek.
pub(super) fn fout(kop: &Kop, status: StatusCode, weigering: &Weigering) -> Response<Body> {
    let wrong = weigering.overtredingen();
    let fout = Fout {
        kop: kop.clone().zonder_blik(),
        uitleg: uitleg(weigering),
        velden: wrong.iter().take(MOST_NAMED).map(veld).collect(),
        meer: wrong.len().saturating_sub(MOST_NAMED),
        code: weigering.code(),
    };
    marked(page(status, &fout), weigering)
}

/// A page that shows again what was refused.
pub(super) fn again(weigering: &Weigering, shown: &impl Template) -> Response<Body> {
    marked(page(status(weigering.aard()), shown), weigering)
}

/// An answer that is counted as a refusal.
fn marked(mut response: Response<Body>, weigering: &Weigering) -> Response<Body> {
    response.extensions_mut().insert(Refused(weigering.code()));
    response
}

fn veld(of: &Overtreding) -> FoutVeld<'_> {
    let naam = on_page(&of.veld);
    let asked = ASKED.iter().find(|(asked, _)| *asked == of.uitleg).map_or(of.uitleg.as_str(), |(_, words)| words);
    FoutVeld { naam, label: label(naam), uitleg: asked }
}

/// A field of a call, as it stands on a page.
pub(super) fn on_page(veld: &str) -> &str {
    WITHIN.iter().find_map(|before| veld.strip_prefix(before)).unwrap_or(veld)
}

/// The words beside a field.
pub(super) fn label(naam: &str) -> String {
    LABELS.iter().find(|(known, _)| *known == naam).map_or(naam, |(_, label)| label).to_owned()
}

/// What is wrong and what to do, for somebody who sees a page and makes no calls.
fn uitleg(weigering: &Weigering) -> &'static str {
    match weigering {
        Weigering::Onleesbaar => {
            "Dit is geen ingevuld formulier van deze pagina, of het kwam niet heel aan. Open de pagina en vul het formulier opnieuw in."
        }
        Weigering::TeGroot => "Wat u verstuurde is groter dan 1 MiB. Verkort het.",
        Weigering::PaginaOngeldig => {
            "Deze bladzijde hoort niet bij deze zoekvraag, bij u of bij vandaag. Zoek opnieuw en blader vanaf het begin."
        }
        Weigering::LogregelOnbekend => {
            "Er is geen logregel met dit nummer, of zij gaat niet over een partner die u ziet. Zoek haar op bij Uitwisselingen."
        }
        Weigering::BerichtOnbekend => {
            "Dit bericht is er niet, of het gaat niet over een partner die u ziet. Zoek het op bij Uitwisselingen."
        }
        Weigering::DossierOnbekend => {
            "Er is geen verzoek met dit nummer, of u hebt er geen deel aan. Kies het in de lijst bij Inzage."
        }
        Weigering::TeDruk => "U vraagt te veel tegelijk. Wacht op wat u al vroeg, en probeer het dan opnieuw.",
        Weigering::NietBeschikbaar => {
            "De poort kan nu niets vastleggen, en laat daarom niets zien. Probeer het later opnieuw."
        }
        Weigering::DeadlineVerstreken => "Dit duurde te lang, en is niet afgemaakt. Probeer het opnieuw.",
        _ => weigering.uitleg(),
    }
}

/// What the boundary refuses, before it is known which page was asked for.
#[must_use]
pub fn refusal(weigering: &Weigering) -> Response<tonic::body::Body> {
    let kop = Kop { titel: "Dat kan niet".to_owned(), wie: String::new(), menu: Vec::new(), is_blik: false };
    let mut response = fout(&kop, status(weigering.aard()), weigering);
    harden(response.headers_mut());
    response.map(tonic::body::Body::new)
}

/// The status of HTTP for a kind of refusal (RFC 9110).
pub(super) fn status(aard: Aard) -> StatusCode {
    match aard {
        Aard::Ongeldig => StatusCode::BAD_REQUEST,
        Aard::Verboden => StatusCode::FORBIDDEN,
        Aard::Onbekend => StatusCode::NOT_FOUND,
        Aard::GeenMethode => StatusCode::METHOD_NOT_ALLOWED,
        Aard::Toestand | Aard::Bestaat => StatusCode::CONFLICT,
        Aard::Teveel => StatusCode::TOO_MANY_REQUESTS,
        Aard::Onbeschikbaar => StatusCode::SERVICE_UNAVAILABLE,
        Aard::TeLaat => StatusCode::GATEWAY_TIMEOUT,
    }
}
