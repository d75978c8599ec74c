//! Overzicht (overview): what an FG must know within a minute.

use std::collections::BTreeMap;

use askama::Template;
use axum::{body::Body, extract::State, http::Response};
use jiff::{Timestamp, ToSpan, civil::Date};

use super::{
    kijker::Kijker,
    klopt::{Klopt, klopt, said},
    pagina::Kop,
    periode::{self, Keuze},
    velden::Velden,
    woorden::{Blad, Cel, aantal, een, getal, leesbaar},
};
use crate::{
    domain::{Instemming, houdbaarheid::amsterdam},
    exchange::{
        Exchange, datum,
        dossier::Getoond as Dossier,
        toezicht::{
            rapport::{Kern, Periode, Rapport, Tabel},
            scherm::{SOON_DAYS, Scherm, Vervalt},
        },
    },
};

/// A sentence that leads somewhere.
struct Punt {
    zin: String,
    naar: String,
    link: &'static str,
}

/// A figure, and what it was in the period before.
struct Cijfer {
    naam: &'static str,
    nu: String,
    vorige: Option<String>,
}

#[derive(Template)]
#[template(path = "overzicht.html")]
struct Overzicht {
    kop: Kop,
    keuze: Keuze,
    vorige: String,
    over: String,
    klopt: Klopt,
    wacht: Vec<Punt>,
    cijfers: Vec<Cijfer>,
    uitgewisseld: Vec<Blad>,
    geweigerd: Vec<String>,
    opvallend: Vec<String>,
    vervalt: Vec<Punt>,
    te_laat: Vec<Punt>,
}

/// Rows of a table here, at most: the report has all of them.
const MOST_ROWS: usize = 12;
/// Reasons of a refusal here, at most.
const MOST_SENTENCES: usize = 20;
/// Sentences about one change here, at most.
const MOST_OF_CHANGE: usize = 3;
/// What is unusual of one kind here, at most: a quarter with many first times hides nothing else.
const MOST_OF_KIND: usize = 6;

pub(super) async fn show(
    State(exchange): State<std::sync::Arc<Exchange>>,
    kijker: Kijker,
    velden: Velden,
) -> Response<Body> {
    let made = async {
        kijker.watches()?;
        let periode = periode::of(&exchange, velden.known(&periode::FIELDS, &[])?)?;
        let scherm = exchange.scherm(&kijker.call, &kijker.inzage(None), periode).await?;
        Ok(overzicht(&exchange, &kijker, scherm))
    };
    kijker.answer(made).await
}

fn overzicht(exchange: &Exchange, kijker: &Kijker, scherm: Scherm) -> Overzicht {
    let wacht = wacht(kijker, &scherm, exchange.klok.now());
    let Scherm { groei, nagerekend, rapport, vorige: (before, vorige), begonnen, dossiers, vervalt, .. } = scherm;
    let now = exchange.klok.now();
    let over = match rapport.partners.as_slice() {
        [] => "U ziet alle partners.".to_owned(),
        [naam] => format!("U ziet waaraan {naam} deelnam."),
        many => format!("U ziet waaraan deze partners deelnamen: {}.", many.join(", ")),
    };
    Overzicht {
        kop: kijker.kop("Overzicht", "/"),
        keuze: Keuze::new(exchange, rapport.periode),
        vorige: compared(rapport.periode, before, vorige.is_some(), begonnen),
        over,
        klopt: klopt(&groei, nagerekend.as_ref(), now),
        wacht,
        cijfers: cijfers(&rapport.kern, vorige.as_ref()),
        uitgewisseld: uitgewisseld(&rapport.kern, vorige.as_ref()),
        geweigerd: geweigerd(&rapport),
        opvallend: opvallend(&rapport),
        vervalt: ends(&vervalt, amsterdam(now).date()),
        te_laat: te_laat(&rapport, &dossiers),
    }
}

/// A table of the report.
fn tabel<'r>(rapport: &'r Rapport, naam: &str) -> Option<&'r Tabel> {
    rapport.afdelingen.iter().flat_map(|of| &of.tabellen).find(|tabel| tabel.naam == naam)
}

fn rows<'r>(rapport: &'r Rapport, naam: &str) -> &'r [Vec<String>] {
    tabel(rapport, naam).map_or(&[], |tabel| &tabel.rijen)
}

/// How many rows a table of the report has.
fn count(rapport: &Rapport, naam: &str) -> u64 {
    tabel(rapport, naam).map_or(0, |tabel| tabel.rijen.len() as u64 + tabel.weggelaten)
}

/// With what the figures are compared.
fn compared(periode: Periode, before: Periode, is_there: bool, begonnen: Option<Date>) -> String {
    let is_next_to_it = before.tot_en_met.saturating_add(1.day()) == periode.van;
    let part = if is_next_to_it { "" } else { ", even ver in het kwartaal ervoor" };
    let period =
        format!("De vorige periode is {} tot en met {}", datum::dag(before.van), datum::dag(before.tot_en_met));
    match begonnen.map(|begin| (begin > before.van, datum::dag(begin))) {
        Some((_, begin)) if !is_there => {
            format!("Met een vorige periode is niet te vergelijken: het logboek begon op {begin}.")
        }
        Some((true, begin)) => format!("{period}{part}; het logboek begon daarin, op {begin}."),
        _ => format!("{period}{part}."),
    }
}

/// What is unusual, some of each kind, and how many more there are.
fn opvallend(rapport: &Rapport) -> Vec<String> {
    let Some(tabel) = tabel(rapport, "opvallend") else { return Vec::new() };
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    let mut zinnen = Vec::new();
    for rij in &tabel.rijen {
        let [kind, zin] = rij.as_slice() else { continue };
        let of_kind = told.entry(kind).or_default();
        *of_kind += 1;
        if *of_kind <= MOST_OF_KIND {
            zinnen.push(leesbaar(zin));
        }
    }
    let more = (tabel.rijen.len() - zinnen.len()) as u64 + tabel.weggelaten;
    if more > 0 {
        zinnen.push(format!("En nog {}; het rapport heeft ze alle.", getal(more)));
    }
    zinnen
}

/// What waits for who looks: of now, but for what changed in the period.
fn wacht(kijker: &Kijker, scherm: &Scherm, now: Timestamp) -> Vec<Punt> {
    let mut punten = lekken(scherm);
    for (convenant, grondslag) in &scherm.ongetoetst {
        punten.push(Punt {
            zin: format!(
                "Geen jurist bevestigde grondslag {grondslag} van convenant {convenant}, en er is wel op uitgewisseld."
            ),
            naar: "/convenanten#van-kracht".to_owned(),
            link: "Bekijk het convenant",
        });
    }
    let partner = kijker.call.identiteit().partner.as_str();
    for voorstel in &scherm.voorstellen {
        let vanaf = voorstel.vanaf.parse::<Timestamp>().map(|of| said(of, now)).unwrap_or_default();
        let zinnen: Vec<&str> = voorstel.zinnen.iter().take(MOST_OF_CHANGE).map(String::as_str).collect();
        let asks = |(of, _): &(Instemming, bool)| matches!(of, Instemming::Partij(naam, _) if naam.as_str() == partner);
        let known = if voorstel.instemming.iter().any(asks) { "" } else { "Ter kennisname. " };
        punten.push(Punt {
            zin: format!("{known}Voorgesteld, en niet eerder van kracht dan {vanaf}: {}", zinnen.join(" ")),
            naar: "/convenanten#voorgesteld".to_owned(),
            link: "Bekijk het voorstel",
        });
    }
    punten.extend(changed(&scherm.rapport));
    for dossier in &scherm.dossiers {
        let term = datum::uiterlijk(dossier.termijnen.antwoord_voor);
        punten.push(Punt {
            zin: format!(
                "Verzoek om inzage {}, bij het contactpunt van {}: te beantwoorden uiterlijk {term}.",
                dossier.nummer, dossier.contactpunt
            ),
            naar: format!("/inzage/{}", dossier.nummer),
            link: "Bekijk het verzoek",
        });
    }
    punten
}

fn lekken(scherm: &Scherm) -> Vec<Punt> {
    let (Periode { van, tot_en_met }, tabel) = &scherm.lekken;
    let told = tabel.rijen.iter().filter_map(|rij| {
        let [_, soort, from, to, ontvangen, _, _, left] = rij.as_slice() else { return None };
        let got = if ontvangen == "ja" { "die het al had ontvangen" } else { "die het nog niet had opgehaald" };
        Some(Punt {
            zin: format!(
                "Mogelijk datalek: {} van {from} ging naar {to}, {got}. Melden bij de Autoriteit Persoonsgegevens, door {from}: {left}.",
                een(soort)
            ),
            naar: format!("/datalekken?van={van}&tot_en_met={tot_en_met}"),
            link: "Bekijk wat ermee gebeurde",
        })
    });
    told.collect()
}

/// What changed in the period of what is in force.
fn changed(rapport: &Rapport) -> Option<Punt> {
    let Periode { van, tot_en_met } = rapport.periode;
    let of = count(rapport, "wijzigingen");
    // The last change first: what came in force when the gateway began says least.
    let mut means: Vec<(u64, &str)> = rows(rapport, "wijzigingen_betekenis")
        .iter()
        .filter_map(|rij| Some((rij.first()?.parse().ok()?, rij.get(1)?.as_str())))
        .collect();
    means.sort_by_key(|(regel, _)| std::cmp::Reverse(*regel));
    let more = match means.len().saturating_sub(MOST_OF_CHANGE) {
        0 => String::new(),
        more => format!(" En nog {}.", aantal(more as u64, "gevolg", "gevolgen")),
    };
    let told: Vec<&str> = means.into_iter().take(MOST_OF_CHANGE).map(|(_, zin)| zin).collect();
    (of > 0).then(|| Punt {
        zin: format!(
            "Wat van kracht is veranderde {} in deze periode, het laatst zo: {}{more}",
            aantal(of, "keer", "keer"),
            told.join(" ")
        ),
        naar: format!("/convenanten?van={van}&tot_en_met={tot_en_met}#wijzigingen"),
        link: "Bekijk wat er veranderde",
    })
}

fn cijfers(nu: &Kern, vorige: Option<&Kern>) -> Vec<Cijfer> {
    let cijfer = |naam, of: fn(&Kern) -> u64| Cijfer { naam, nu: getal(of(nu)), vorige: vorige.map(of).map(getal) };
    vec![
        cijfer("Berichten", |kern| kern.berichten),
        cijfer("Mensen over wie zij gingen", |kern| kern.mensen),
        cijfer("Geweigerd", |kern| kern.geweigerd),
    ]
}

/// What was exchanged by grondslag and between whom, beside the period before.
fn uitgewisseld(nu: &Kern, vorige: Option<&Kern>) -> Vec<Blad> {
    // Without a period before there is no column for it.
    let columns = |of: &[&'static str], before: &[&'static str]| -> Vec<&'static str> {
        of.iter().chain(before.iter().filter(|_| vorige.is_some())).copied().collect()
    };
    let before: BTreeMap<&String, u64> =
        vorige.iter().flat_map(|kern| &kern.grondslagen).map(|(id, aantal)| (id, *aantal)).collect();
    let noot = |all: usize| match all.saturating_sub(MOST_ROWS) {
        0 => String::new(),
        more => format!("En nog {}; het rapport heeft ze alle.", aantal(more as u64, "rij", "rijen")),
    };
    let rijen = nu.grondslagen.iter().take(MOST_ROWS).map(|(id, aantal)| {
        let then = vorige.map(|_| Cel::getal(before.get(id).copied().unwrap_or(0)));
        [Cel::tekst(id.clone()), Cel::getal(*aantal)].into_iter().chain(then).collect()
    });
    let mut grondslagen = Blad::new(
        ("per_grondslag", "Per grondslag, geteld per ontvanger"),
        &columns(&["grondslag", "nu"], &["vorige periode"]),
        rijen.collect(),
    );
    grondslagen.noot = noot(nu.grondslagen.len());
    let mut by_partner: BTreeMap<&str, [u64; 4]> = BTreeMap::new();
    for (kern, at) in std::iter::once((nu, 0)).chain(vorige.map(|kern| (kern, 2))) {
        for ((van, naar), aantal) in &kern.paren {
            by_partner.entry(van).or_default()[at] += aantal;
            by_partner.entry(naar).or_default()[at + 1] += aantal;
        }
    }
    let rijen: Vec<Vec<Cel>> = by_partner
        .into_iter()
        .map(|(naam, counts)| {
            let counts = counts.into_iter().take(if vorige.is_some() { 4 } else { 2 });
            std::iter::once(Cel::tekst(naam)).chain(counts.map(Cel::getal)).collect()
        })
        .collect();
    let columns =
        columns(&["partner", "verstuurd", "ontvangen"], &["verstuurd, vorige periode", "ontvangen, vorige periode"]);
    vec![grondslagen, Blad::new(("per_partner", "Per partner, geteld per ontvanger"), &columns, rijen)]
}

fn geweigerd(rapport: &Rapport) -> Vec<String> {
    let told = rows(rapport, "weigeringen").iter().take(MOST_SENTENCES).filter_map(|rij| {
        let [code, wat, times] = rij.as_slice() else { return None };
        let reason = if wat == "-" { leesbaar(code) } else { wat.clone() };
        Some(format!("{} keer: {reason}.", times.parse().map_or_else(|_| times.clone(), getal)))
    });
    told.collect()
}

/// What ends soon, each kind of bericht in a sentence; what ends first in front.
fn ends(vervalt: &[Vervalt], today: Date) -> Vec<Punt> {
    let mut kinds: BTreeMap<&str, (u64, &str, &str)> = BTreeMap::new();
    for Vervalt { berichtsoort, dagen: (first, last), aantal: of, .. } in vervalt {
        let (count, earliest, latest) = kinds.entry(berichtsoort).or_insert((0, first, last));
        (*count, *earliest, *latest) = (*count + of, (*earliest).min(first), (*latest).max(last));
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(soort, (_, first, _))| (*first, *soort));
    // As far back as one search goes.
    let (van, until) = (today.saturating_sub(365.days()), today.saturating_add(SOON_DAYS.days()));
    let day = |dag: &str| dag.parse::<Date>().map_or_else(|_| dag.to_owned(), datum::dag);
    let told = kinds.into_iter().map(|(soort, (of, first, last))| {
        let when = match of {
            1 => format!("na {}", day(first)),
            _ if first == last => format!("alle na {}", day(first)),
            _ => format!("de eerste na {}, de laatste na {}", day(first), day(last)),
        };
        Punt {
            zin: format!("{} keer {}: {when}.", getal(of), een(soort)),
            naar: format!(
                "/uitwisselingen?van={van}&tot_en_met={today}&soort=aanvaard&berichtsoort={soort}&houdbaar_van={today}&houdbaar_tot_en_met={until}"
            ),
            link: "Zoek op, ook wat al eerder eindigde",
        }
    });
    told.collect()
}

fn te_laat(rapport: &Rapport, dossiers: &[Dossier]) -> Vec<Punt> {
    let told = [
        ("niet_opgehaald", "is een bericht niet opgehaald"),
        ("niet_beantwoord", "wacht een bericht op antwoord"),
        ("verlopen_zonder_antwoord", "verliep in deze periode een bericht zonder antwoord"),
        ("terugkoppeling", "wacht een geraadpleegd scenario op terugkoppeling"),
        ("vernietiging_zonder_antwoord", "heeft een verzoek om te vernietigen nog geen antwoord"),
    ];
    let address = format!("/rapport?van={}&tot_en_met={}", rapport.periode.van, rapport.periode.tot_en_met);
    let mut punten = Vec::new();
    // Each counts for each ontvanger.
    for (naam, what) in told {
        let of = count(rapport, naam);
        if of > 0 {
            let section = if naam == "vernietiging_zonder_antwoord" { "rechten" } else { "openstaand" };
            let naar = format!("{address}#{section}");
            punten.push(Punt { zin: format!("{} {what}.", aantal(of, "keer", "keer")), naar, link: "Welke" });
        }
    }
    let sum =
        |naam: &str| -> u64 { rows(rapport, naam).iter().filter_map(|rij| rij.last()?.parse::<u64>().ok()).sum() };
    let lapsed = sum("ongelezen_vervallen");
    if lapsed > 0 {
        let what = aantal(lapsed, "bericht verviel", "berichten vervielen");
        let zin = format!("In deze periode: {what} voor iemand het ophaalde.");
        punten.push(Punt { zin, naar: format!("{address}#openstaand"), link: "Welke" });
    }
    let late = dossiers.iter().filter(|dossier| dossier.te_laat).count() as u64;
    if late > 0 {
        let zin = format!("{} om inzage: de termijn is voorbij.", aantal(late, "verzoek", "verzoeken"));
        punten.push(Punt { zin, naar: "/inzage".to_owned(), link: "Welke" });
    }
    punten
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_soon_is_told_by_kind_and_what_ends_first_in_front() {
        let ends_on = |berichtsoort: &str, first: &str, last: &str, aantal| Vervalt {
            berichtsoort: berichtsoort.to_owned(),
            dagen: (first.to_owned(), last.to_owned()),
            afzender: "zvh".to_owned(),
            ontvanger: ("zsm".to_owned(), "jeugd".to_owned()),
            aantal,
        };
        let told = ends(
            &[
                ends_on("aanmelding", "2026-12-03", "2026-12-03", 1),
                ends_on("scenario", "2026-12-02", "2026-12-02", 2),
                ends_on("scenario", "2026-12-01", "2026-12-09", 3),
            ],
            "2026-11-30".parse().unwrap(),
        );
        let told: Vec<&str> = told.iter().map(|punt| punt.zin.as_str()).collect();
        let scenarios = "5 keer een scenario: de eerste na 1 december 2026, de laatste na 9 december 2026.";
        assert_eq!(told, [scenarios, "1 keer een aanmelding: na 3 december 2026."]);
    }
}
