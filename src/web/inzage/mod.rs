//! Inzage: the dossiers of people who ask what was exchanged about them. The contactpunt works in them here; who watches looks.
//!
//! `nieuw` opens one, `stand` says how it stands, `besluiten` is what its form says of each row, and `brief` is what the betrokkene gets.
//! A form that is refused is shown again as it was filled in, with a `melding` above it.

mod besluiten;
pub(super) mod brief;
mod melding;
mod nieuw;
mod stand;

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    extract::{Path, State},
    http::Response,
    response::{IntoResponse, Redirect},
};
use jiff::Timestamp;

pub(super) use self::nieuw::open;
use self::{besluiten::Keuze, melding::Melding, nieuw::Nieuw, stand::stand};
use super::{
    fout,
    kijker::Kijker,
    pagina::Kop,
    velden::{Gepost, Velden},
    woorden::leesbaar,
};
use crate::{
    domain::{
        Kenmerk, Rol, Weigering,
        inzage::{Grond, Oordeel},
        weigering::Aard,
    },
    exchange::{
        Exchange, datum,
        dossier::{self, Daad, Getoond, GetoondeRij, RijSoort},
    },
    grpc::inzage::besluit,
};

/// What the forms of a dossier do, as they say it.
const BESLUIT: &str = "besluit";
const VERLENG: &str = "verleng";
const SLUIT: &str = "sluit";

/// A dossier in the list.
struct Rij {
    nummer: u64,
    wie: String,
    contactpunt: String,
    antwoord_uiterlijk: String,
    stand: String,
}

#[derive(Template)]
#[template(path = "dossiers.html")]
struct Dossiers {
    kop: Kop,
    is_contactpunt: bool,
    ook_gesloten: bool,
    rijen: Vec<Rij>,
    afgekapt: bool,
    nieuw: Nieuw,
}

/// A row of a dossier.
struct DossierRij {
    nummer: u64,
    soort: &'static str,
    zinnen: Vec<String>,
    herkend_op: &'static str,
    oordelen: Vec<String>,
    /// What stands in the form about it, where the contactpunt that looks decides about it.
    keuze: Option<Keuze>,
}

/// How a dossier can be extended and closed now.
struct Afronden {
    mag_verlengen: bool,
    mag_sluiten: bool,
    besluiten_uiterlijk: String,
}

impl Afronden {
    fn new(of: &Getoond, now: Timestamp) -> Self {
        Self {
            mag_verlengen: of.verzoek.is_some() && !of.verlengd && !of.te_laat,
            mag_sluiten: of.nog_te_besluiten == 0 || now >= of.termijnen.besluiten_voor,
            besluiten_uiterlijk: datum::uiterlijk(of.termijnen.besluiten_voor),
        }
    }
}

#[derive(Template)]
#[template(path = "dossier.html")]
struct Dossier {
    kop: Kop,
    nummer: u64,
    /// Why what was posted is not done.
    melding: Option<Melding>,
    /// Where it is open, for the contactpunt that goes about it.
    afronden: Option<Afronden>,
    wie: Vec<String>,
    stand: Vec<String>,
    rijen: Vec<DossierRij>,
    gronden: Vec<(&'static str, String)>,
    heeft_overzicht: bool,
    /// What was posted and refused.
    gepost: Velden,
}

fn is_contactpunt(kijker: &Kijker) -> bool {
    kijker.call.identiteit().rol == Rol::Contact
}

pub(super) async fn list(State(exchange): State<Arc<Exchange>>, kijker: Kijker, velden: Velden) -> Response<Body> {
    let made = async {
        let ook_gesloten = velden.known(&["ook_gesloten"], &[])?.is_ticked("ook_gesloten")?;
        let (dossiers, afgekapt) = exchange.list_dossiers(&kijker.call, &kijker.inzage(None), ook_gesloten).await?;
        let rijen = dossiers.into_iter().map(|of| Rij {
            nummer: of.nummer,
            wie: of.verzoek.as_ref().map_or_else(String::new, |of| format!("{}, kenmerk {}", of.naam, of.kenmerk)),
            stand: stand(&of).remove(0),
            antwoord_uiterlijk: datum::uiterlijk(of.termijnen.antwoord_voor),
            contactpunt: of.contactpunt,
        });
        Ok(Dossiers {
            kop: kijker.kop("Verzoeken om inzage", "/inzage"),
            is_contactpunt: is_contactpunt(&kijker),
            ook_gesloten,
            rijen: rijen.collect(),
            afgekapt,
            nieuw: Nieuw::new(&kijker, Velden::default(), false),
        })
    };
    kijker.answer(made).await
}

pub(super) async fn show(
    State(exchange): State<Arc<Exchange>>,
    kijker: Kijker,
    Path(nummer): Path<String>,
    velden: Velden,
) -> Response<Body> {
    let made = async {
        velden.known(&[], &[])?;
        let of = exchange.dossier(&kijker.call, &kijker.inzage(None), number(&nummer)?).await?;
        Ok(Dossier::new(&kijker, of, None))
    };
    kijker.answer(made).await
}

/// Decides, extends or closes. Where that is refused the form is shown again, as it was filled in.
pub(super) async fn act(
    State(exchange): State<Arc<Exchange>>,
    kijker: Kijker,
    Path(nummer): Path<String>,
    Gepost(velden): Gepost,
) -> Response<Body> {
    let nummer = match number(&nummer) {
        Ok(nummer) => nummer,
        Err(weigering) => return kijker.refused(weigering).await,
    };
    let weigering = match done(&exchange, &kijker, (nummer, &velden)).await {
        Ok(of) => return at(of.nummer),
        Err(weigering) => kijker.logged(weigering).await,
    };
    if !matches!(weigering.aard(), Aard::Ongeldig | Aard::Toestand) {
        return kijker.fout(&weigering);
    }
    // Showing the dossier again is a look like any other.
    match exchange.dossier(&kijker.call, &kijker.inzage(None), nummer).await {
        Ok(of) => fout::again(&weigering, &Dossier::new(&kijker, of, Some((&weigering, &velden)))),
        Err(_) => kijker.fout(&weigering),
    }
}

async fn done(exchange: &Exchange, kijker: &Kijker, (nummer, velden): (u64, &Velden)) -> Result<Getoond, Weigering> {
    let of_rows = ["rij-", "toelichting-", "stil-"];
    let rows: Vec<&str> =
        velden.iter().map(|(naam, _)| naam).filter(|naam| of_rows.iter().any(|of| naam.starts_with(of))).collect();
    let velden = velden.known(&[rows.as_slice(), &["daad", "medewerker", "reden"]].concat(), &[])?;
    let inzage = kijker.inzage_of(velden, true)?;
    let daad = match velden.value("daad") {
        BESLUIT => {
            let (named, others) = besluit(&besluiten::posted(velden)?)?;
            Daad::Besluit(named, others)
        }
        VERLENG if inzage.reden.is_none() => {
            let uitleg = "waarom het antwoord langer duurt; zeg dat ook de betrokkene";
            return Err(Weigering::veld("reden", uitleg));
        }
        VERLENG => Daad::Verlenging,
        SLUIT => Daad::Sluiting,
        _ => return Err(Weigering::veld("daad", "besluit, verleng of sluit")),
    };
    exchange.do_in_dossier(&kijker.call, &inzage, (nummer, &daad)).await
}

/// What was done is shown at an address of its own: going back, or loading anew, does it no second time.
fn at(nummer: u64) -> Response<Body> {
    Redirect::to(&format!("/inzage/{nummer}")).into_response()
}

fn number(nummer: &str) -> Result<u64, Weigering> {
    nummer.parse().map_err(|_| Weigering::veld("dossier", "het nummer van een dossier"))
}

impl Dossier {
    /// The page of a dossier; with what was posted and refused.
    fn new(kijker: &Kijker, of: Getoond, refused: Option<(&Weigering, &Velden)>) -> Self {
        let partner = kijker.call.identiteit().partner.as_str();
        let is_open = of.gesloten.is_none();
        let is_eigen = is_open && of.kijker == dossier::Kijker::Contactpunt;
        let is_te_besluiten =
            |rij: &GetoondeRij| is_open && is_contactpunt(kijker) && rij.partners.iter().any(|of| of == partner);
        let mine: Vec<u64> = of.rijen.iter().filter(|rij| is_te_besluiten(rij)).map(|rij| rij.log_index).collect();
        let posted = refused.map(|(_, velden)| velden);
        let stand = stand(&of);
        let verzoek = of.verzoek.as_ref();
        let wie = verzoek.map_or_else(Vec::new, |of| {
            vec![
                format!("{}, geboren op {}.", of.naam, datum::opgeschreven(&of.geboortedatum)),
                format!("Verzoek ontvangen op {}, kenmerk {}.", datum::dag(of.ontvangen_op), of.kenmerk),
            ]
        });
        Self {
            kop: kijker.kop(&format!("Verzoek om inzage {}", of.nummer), "/inzage"),
            nummer: of.nummer,
            melding: refused.map(|(weigering, velden)| Melding::of_daad(weigering, velden, &mine)),
            afronden: is_eigen.then(|| Afronden::new(&of, kijker.exchange.klok.now())),
            wie,
            stand,
            gronden: Grond::ALL.map(|grond| (grond.as_str(), leesbaar(grond.as_str()))).to_vec(),
            heeft_overzicht: of.overzicht.is_some(),
            gepost: posted.cloned().unwrap_or_default(),
            rijen: of.rijen.into_iter().map(|rij| DossierRij::new(rij, (partner, &mine), posted)).collect(),
        }
    }

    fn mag_besluiten(&self) -> bool {
        self.rijen.iter().any(|rij| rij.keuze.is_some())
    }

    /// What was typed in a field of the form that does this.
    fn typed(&self, daad: &str, naam: &str) -> &str {
        if self.gepost.value("daad") == daad { self.gepost.value(naam) } else { "" }
    }
}

impl DossierRij {
    /// A row, as a partner sees it that decides about some.
    fn new(rij: GetoondeRij, (partner, mine): (&str, &[u64]), posted: Option<&Velden>) -> Self {
        let GetoondeRij { log_index, soort, zinnen, herkend_op, oordelen, .. } = rij;
        let own = oordelen.iter().find(|(of, _)| of == partner).map(|(_, oordeel)| oordeel);
        let keuze = mine.contains(&log_index).then(|| Keuze::new(log_index, own, posted));
        let decided = |(partner, oordeel): (String, Oordeel)| match oordeel {
            Oordeel::Vrijgegeven => format!("{partner} geeft het vrij."),
            Oordeel::Achtergehouden { grond, toelichting, verzwegen } => {
                let silent = if verzwegen { " in stilte" } else { "" };
                let said = toelichting.map_or_else(String::new, |text| format!(" Toelichting: {text}"));
                format!("{partner} houdt het{silent} achter, omdat {}.{said}", grond.uitleg())
            }
        };
        Self {
            nummer: log_index,
            soort: match soort {
                RijSoort::Uitwisseling => "Bericht",
                RijSoort::Zoekvraag => "Zoekvraag",
                RijSoort::Weigering => "Weigering",
                RijSoort::Toezicht => "Toezicht",
            },
            zinnen,
            herkend_op: match herkend_op {
                Kenmerk::Skn => "SKN",
                Kenmerk::Bsn => "BSN",
                Kenmerk::NaamGeboortedatum => "naam en geboortedatum",
                Kenmerk::Naam => "naam",
            },
            oordelen: oordelen.into_iter().map(decided).collect(),
            keuze,
        }
    }
}
