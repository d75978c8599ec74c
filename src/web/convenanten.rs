//! Convenanten: who may send what to whom, what really went, and what changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use askama::Template;
use axum::{body::Body, extract::State, http::Response};
use jiff::Timestamp;

use super::{
    kijker::Kijker,
    pagina::Kop,
    periode::{self, Keuze},
    rapport::Deel,
    uitwisselingen::of_pair,
    velden::Velden,
    woorden::{Blad, Cel, aantal, leesbaar},
};
use crate::{
    check::{
        rij::{Rij, keuze, rijen},
        svg::svg,
    },
    domain::{Weigering, Zicht},
    exchange::{
        Exchange, datum,
        toezicht::{
            afspraken::Afspraken,
            rapport::Periode,
            stand::{Geldig, Stand},
            zoek::Paren,
        },
        voorstel::Voorgelegd,
    },
};

/// Refused so often from one to another, it is told.
const OFTEN: u64 = 3;

/// What one may send to another, and what went.
struct Vak {
    /// How it is shown.
    stijl: &'static str,
    tekst: String,
    naar: String,
}

struct Matrix {
    kolommen: Vec<String>,
    rijen: Vec<(String, Vec<Vak>)>,
}

/// A convenant that is in force, or was read and is not.
struct Convenant {
    titel: String,
    geldig: String,
    blad: Blad,
}

struct Voorstel {
    titel: String,
    reden: String,
    zinnen: Vec<String>,
    instemming: Vec<String>,
}

/// Of when it is told what may be sent: in words, and the way to the others.
struct StandKeuze {
    zin: String,
    kop: String,
    /// The day that is filled in; empty for now.
    op: String,
    /// The field that asks for it; none for now.
    veld: Option<(&'static str, String)>,
    /// What leads to the other ones.
    andere: Vec<(String, String)>,
    tekening: String,
    /// What is said of what may be sent, and of what may not be.
    mag: (&'static str, &'static str),
}

impl StandKeuze {
    fn new(stand: Stand, periode: Periode, voorstellen: &[Voorgelegd]) -> Self {
        let Periode { van, tot_en_met } = periode;
        let of_voorstel = |nummer: u64| format!("als voorstel {nummer} geldt");
        let (when, may, veld, mag) = match stand {
            Stand::Nu => ("nu".to_owned(), "mag", None, ("mag", "mag nu niet")),
            Stand::Op(day) => {
                let when = format!("op {}", datum::dag(day));
                (when, "mocht", Some(("op", day.to_string())), ("mocht", "mocht toen niet"))
            }
            Stand::Voorstel(nummer) => {
                (of_voorstel(nummer), "mag", Some(("voorstel", nummer.to_string())), ("mag", "mag dan niet"))
            }
        };
        let address = |veld: &str| format!("/convenanten?van={van}&tot_en_met={tot_en_met}{veld}");
        let now = (stand != Stand::Nu).then(|| ("Wat nu mag".to_owned(), address("")));
        let others = voorstellen.iter().map(|of| of.voorstel).filter(|nummer| stand != Stand::Voorstel(*nummer));
        let others =
            others.map(|nummer| (format!("Wat mag {}", of_voorstel(nummer)), address(&format!("&voorstel={nummer}"))));
        Self {
            zin: format!(
                "Wie {when} wat aan wie {may} sturen, en wat er van {} tot en met {} echt ging.",
                datum::dag(van),
                datum::dag(tot_en_met)
            ),
            kop: if stand == Stand::Nu { "Van kracht".to_owned() } else { format!("Van kracht {when}") },
            op: if let Stand::Op(day) = stand { day.to_string() } else { String::new() },
            andere: now.into_iter().chain(others).collect(),
            tekening: veld.as_ref().map_or_else(
                || "/stromenschema.svg".to_owned(),
                |(naam, waarde)| format!("/stromenschema.svg?{naam}={waarde}"),
            ),
            veld,
            mag,
        }
    }
}

#[derive(Template)]
#[template(path = "convenanten.html")]
struct Convenanten {
    kop: Kop,
    keuze: Keuze,
    stand: StandKeuze,
    matrix: Matrix,
    van_kracht: Vec<Convenant>,
    voorstellen: Vec<Voorstel>,
    wijzigingen: Option<Deel>,
}

pub(super) async fn show(State(exchange): State<Arc<Exchange>>, kijker: Kijker, velden: Velden) -> Response<Body> {
    let made = async {
        kijker.watches()?;
        let known = [&periode::FIELDS[..], &STANDEN].concat();
        let stand = stand(velden.known(&known, &[])?)?;
        // With what may be sent on a day goes what was sent around it, unless another period is asked for.
        let periode = match stand {
            Stand::Op(day) if periode::FIELDS.iter().all(|naam| velden.value(naam).is_empty()) => {
                periode::around(&exchange, day)
            }
            _ => periode::of(&exchange, &velden)?,
        };
        let geldig = exchange.stand(stand).await?;
        let of = exchange.afspraken(&kijker.call, &kijker.inzage(None), periode).await?;
        Ok(convenanten(&exchange, &kijker, (periode, stand, geldig), of))
    };
    kijker.answer(made).await
}

/// The fields that say of when it is told; none for now.
const STANDEN: [&str; 2] = ["op", "voorstel"];

fn stand(velden: &Velden) -> Result<Stand, Weigering> {
    match STANDEN.map(|naam| velden.value(naam)) {
        ["", ""] => Ok(Stand::Nu),
        [day, ""] => day.parse().map(Stand::Op).map_err(|_| Weigering::veld("op", "een dag als 2026-11-30")),
        ["", nummer] => {
            nummer.parse().map(Stand::Voorstel).map_err(|_| Weigering::veld("voorstel", "het nummer van een voorstel"))
        }
        _ => Err(Weigering::veld("op", "een dag of een voorstel, niet allebei")),
    }
}

/// The stromenschema of now, of an earlier day or of a proposal, for an annex. It says what is allowed and nothing of the logboek, so it is no look.
pub(super) async fn stromenschema(
    State(exchange): State<Arc<Exchange>>,
    kijker: Kijker,
    velden: Velden,
) -> Response<Body> {
    let made = async {
        kijker.watches()?;
        let Geldig { van_kracht, dag, .. } = exchange.stand(stand(velden.known(&STANDEN, &[])?)?).await?;
        Ok(svg(&van_kracht, dag))
    };
    let made = made.await;
    kijker.download(("stromenschema.svg", "image/svg+xml"), made).await
}

fn convenanten(
    exchange: &Exchange,
    kijker: &Kijker,
    (periode, stand, geldig): (Periode, Stand, Geldig),
    of: Afspraken,
) -> Convenanten {
    let allowed = rijen(&geldig.van_kracht, geldig.dag);
    let stand = StandKeuze::new(stand, periode, &of.voorstellen);
    let convenant = |of: &crate::domain::Convenant| {
        let own = allowed.iter().filter(|rij| rij.convenant == of.naam);
        let columns = ["soort bericht", "van", "aan", "grondslag", "houdbaar", "voorwaarden"];
        let since = match geldig.sinds.get(&of.hash) {
            Some(since) => format!("van kracht sinds {}", datum::moment(*since)),
            None => "nog niet van kracht".to_owned(),
        };
        let note = if of.in_force(geldig.dag) { "" } else { " Op die dag geldt het niet." };
        Convenant {
            titel: of.titel.clone(),
            geldig: format!(
                "Convenant {}, versie {}, {since}. Geldig van {} tot en met {}.{note}",
                of.naam,
                of.versie,
                datum::dag(of.geldig_van),
                datum::dag(of.geldig_tot_en_met)
            ),
            blad: Blad::new(
                (&format!("regels-{}", of.naam), &format!("Wat {} toestaat", of.naam)),
                &columns,
                own.map(rule).collect(),
            ),
        }
    };
    let voorstel = |of: Voorgelegd| {
        let vanaf = of.vanaf.parse::<Timestamp>().map(datum::moment).unwrap_or_default();
        let agreed = |(asked, given): (crate::domain::Instemming, bool)| {
            let who = match asked {
                crate::domain::Instemming::Ander => "een andere beheerder".to_owned(),
                crate::domain::Instemming::Partij(partner, convenant) => {
                    format!("{partner}, voor convenant {convenant}")
                }
            };
            if given { format!("{who}: ja") } else { format!("{who}: nog niet") }
        };
        Voorstel {
            titel: format!("Voorstel {}, niet eerder van kracht dan {vanaf}", of.voorstel),
            reden: of.reden.unwrap_or_else(|| "gewist".to_owned()),
            zinnen: of.zinnen,
            instemming: of.instemming.into_iter().map(agreed).collect(),
        }
    };
    Convenanten {
        kop: kijker.kop("Convenanten", "/convenanten"),
        keuze: Keuze::new(exchange, periode).with(stand.veld.clone()),
        matrix: matrix(&allowed, &of, (periode, &kijker.call.identiteit().ziet), stand.mag),
        stand,
        van_kracht: geldig.van_kracht.convenanten().iter().map(convenant).collect(),
        voorstellen: of.voorstellen.into_iter().map(voorstel).collect(),
        wijzigingen: of.wijzigingen.map(Deel::from),
    }
}

fn rule(rij: &Rij) -> Vec<Cel> {
    let names = |of: &[crate::domain::Adrespatroon]| of.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let mut terms = rij.voorwaarden.clone();
    if !rij.mandaten.is_empty() {
        terms.push(format!("mandaat {}", rij.mandaten.join(", ")));
    }
    [
        leesbaar(rij.berichtsoort.as_str()),
        names(&rij.van),
        names(&rij.naar),
        keuze(&rij.grondslagen),
        rij.houdbaarheid.clone(),
        terms.join("; "),
    ]
    .map(Cel::tekst)
    .into()
}

/// Who may send to whom, with what really went drawn over it, as far as who looks sees that.
fn matrix(
    allowed: &[Rij],
    of: &Afspraken,
    (periode, ziet): (Periode, &Zicht),
    (mag, mag_niet): (&str, &str),
) -> Matrix {
    let mut may: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for rij in allowed {
        for van in &rij.van {
            for naar in &rij.naar {
                let pair = (van.partner.as_str(), naar.partner.as_str());
                may.entry(pair).or_default().insert(rij.berichtsoort.as_str());
            }
        }
    }
    let counted = |paren: &Paren| -> BTreeMap<(String, String), u64> { paren.iter().cloned().collect() };
    let (went, refused) = (counted(&of.aanvaard), counted(&of.geweigerd));
    let pairs = may.keys().copied().chain(went.keys().map(|(van, naar)| (van.as_str(), naar.as_str())));
    let pairs: BTreeSet<(&str, &str)> = pairs.collect();
    let kolommen: BTreeSet<&str> = pairs.iter().map(|(_, naar)| *naar).collect();
    let rows: BTreeSet<&str> = pairs.iter().map(|(van, _)| *van).collect();
    let vak = |van: &str, naar: &str| {
        let of = |counts: &BTreeMap<(String, String), u64>| {
            counts.get(&(van.to_owned(), naar.to_owned())).copied().unwrap_or(0)
        };
        let (times, no) = (of(&went), of(&refused));
        let is_allowed = may.contains_key(&(van, naar));
        let (stijl, mut tekst) = match (is_allowed, times) {
            (true, 0) if !ziet.sees_pair(van, naar) => ("", mag.to_owned()),
            (true, 0) => ("mag-nooit", format!("{mag}, niet gebruikt")),
            (true, 1) => ("een-keer", format!("{mag}, 1 keer")),
            (true, _) => ("mag", format!("{mag}, {}", aantal(times, "keer", "keer"))),
            (false, 0) => ("", String::new()),
            (false, _) => ("", format!("{}, {mag_niet}", aantal(times, "keer", "keer"))),
        };
        if no > 0 {
            let said = aantal(no, "keer geweigerd", "keer geweigerd");
            tekst = if tekst.is_empty() { said } else { format!("{tekst}, {said}") };
        }
        Vak {
            stijl: if no >= OFTEN { "vaak-geweigerd" } else { stijl },
            naar: if times > 0 { of_pair(van, naar, periode) } else { String::new() },
            tekst,
        }
    };
    let rijen = rows.into_iter().map(|van| (van.to_owned(), kolommen.iter().map(|naar| vak(van, naar)).collect()));
    Matrix { rijen: rijen.collect(), kolommen: kolommen.iter().map(|naar| (*naar).to_owned()).collect() }
}
