//! Gebeurtenis (event): what a regel says happened, in a sentence.

use super::woorden::{een, getal, leesbaar};
use crate::{
    domain::{Berichtsoort, Weigering},
    exchange::{RedenIntrekking, dossier::eigen_kopie, toezicht::Getoond},
    logboek::{Logregel, Oorzaak, Soort},
};

/// What a regel says happened, in a sentence.
pub(super) fn gebeurtenis(getoond: &Getoond, regel: &Logregel) -> String {
    let name = |of: &Option<String>| of.clone().unwrap_or_else(|| "iemand".to_owned());
    let (van, naar, wie) = (name(&getoond.afzender), name(&getoond.ontvanger), actor(getoond, regel));
    let soort = regel.berichtsoort.as_deref().map_or_else(|| "een bericht".to_owned(), een);
    let is_oral = regel.berichtsoort.as_deref() == Some(Berichtsoort::MondelingeVerstrekking.as_str());
    match regel.soort {
        Soort::Aanvaard if is_oral => {
            format!("{van} legde vast {naar} mondeling te hebben ingelicht. De poort aanvaardde dat.")
        }
        Soort::Aanvaard => {
            let instead = if regel.vervangt.is_some() { ", in de plaats van een eerder" } else { "" };
            format!("{van} stuurde {soort} aan {naar}{instead}. De poort aanvaardde het.")
        }
        Soort::Geweigerd if regel.bericht.is_some() && regel.ontvanger.is_some() => {
            format!("De poort hield {soort} van {van} aan {naar} tegen{}.", why(regel))
        }
        Soort::Geweigerd => {
            let times = regel.aantal.filter(|aantal| *aantal > 1).map(|of| format!(", {} keer", getal(of)));
            let times = times.unwrap_or_default();
            if regel.berichtsoort.is_some() && getoond.afzender.is_some() && getoond.ontvanger.is_some() {
                return format!("{van} wilde {soort} sturen aan {naar}. De poort weigerde dat{}{times}.", why(regel));
            }
            format!("De poort weigerde wat {} vroeg{}{times}.", uncapitalised(&wie), why(regel))
        }
        Soort::Afgeleverd => {
            let again = regel.poging.filter(|poging| *poging > 1).map(|of| format!(" (poging {of})"));
            format!("{naar} haalde {soort} van {van} op{}.", again.unwrap_or_default())
        }
        Soort::Bevestigd => format!("{naar} bevestigde de ontvangst van {soort}."),
        Soort::Geraadpleegd => match regel.uitkomst.as_deref() {
            None => format!("{wie} las {soort} van {van}."),
            Some("niet_gevonden") => format!("{wie} zocht naar een scenario over iemand. Er lag er geen."),
            Some(_) => format!("{wie} zocht naar een scenario over iemand, en vond er een van {van}."),
        },
        Soort::Ingetrokken => format!("{van} trok {soort} aan {naar} in, voor iemand het ophaalde{}.", why(regel)),
        Soort::Vervallen => format!("De termijn van {soort} van {van} aan {naar} was voorbij."),
        Soort::Vernietigd => format!("De inhoud van {soort} van {van} aan {naar} is vernietigd{}.", cause(regel)),
        Soort::Beschadigd => format!("De inhoud van {soort} van {van} aan {naar} was beschadigd."),
        Soort::VernietigingGevraagd => {
            format!("{van} trok {soort} in en vroeg {naar} de eigen kopie te vernietigen{}.", why(regel))
        }
        Soort::VernietigingBevestigd => {
            format!("{naar} antwoordde op het verzoek om te vernietigen: {}.", eigen_kopie(regel.weigering.as_deref()))
        }
        _ => beside(&wie, regel),
    }
}

/// What somebody did beside the exchange: looking, changing what is in force.
fn beside(wie: &str, regel: &Logregel) -> String {
    match regel.soort {
        // A contactpunt looks at nothing else.
        Soort::Ingezien if regel.dossier.is_some() || regel.rol.as_deref() == Some("contact") => {
            format!("{wie} keek bij de verzoeken om inzage.")
        }
        Soort::Ingezien if regel.bekeken.is_some() => {
            format!("{wie} bekeek het verloop van een bericht, of een verzoek om inzage, zonder inhoud.")
        }
        Soort::Ingezien if !regel.betrokkene.is_empty() => {
            format!("{wie} zocht naar een persoon in het logboek, met een reden en zonder inhoud te zien.")
        }
        Soort::Ingezien => format!("{wie} keek in het logboek, zonder inhoud te zien."),
        Soort::Geexporteerd => format!("{wie} haalde het logboek op."),
        Soort::ConvenantGewijzigd => {
            let what = regel.document.as_deref().unwrap_or("een convenant");
            format!("{wie} bracht een wijziging van kracht: {what}{}.", by_voorstel(regel))
        }
        Soort::PartnerGewijzigd => format!("{wie} wijzigde wie deelneemt{}.", by_voorstel(regel)),
        Soort::Voorgesteld if regel.uitkomst.is_none() => format!("{wie} stelde een wijziging voor."),
        Soort::Voorgesteld => format!("{wie} trok voorstel {} in.", of_none(regel.voorstel)),
        Soort::Bekrachtigd => format!("{wie} bekrachtigde voorstel {}.", of_none(regel.voorstel)),
        Soort::Gestart => "De poort startte.".to_owned(),
        Soort::Gestopt => "De poort stopte.".to_owned(),
        Soort::Beheerd if regel.gesloten.is_some() => format!("{wie} sloot het logboek, en begon het volgende."),
        Soort::Beheerd => format!("{wie} deed iets dat alleen beheer kan."),
        Soort::LogHersteld => format!("{wie} sloot het logboek na schade, en begon het volgende."),
        Soort::OpeningenGewist => format!("{wie} wiste wat het logboek over iemand opent."),
        Soort::InzageGevraagd => {
            format!("Verzoek om inzage{}: geopend, aan een partner voorgelegd of verlengd.", of_dossier(regel))
        }
        Soort::InzageBesloten => format!("{wie} besloot over een verzoek om inzage{}.", of_dossier(regel)),
        Soort::InzageVerstrekt => format!("{wie} verstrekte wat er over iemand is{}.", of_dossier(regel)),
        other => format!("{wie}: {}.", leesbaar(other.as_str())),
    }
}

/// Of which dossier it is, behind a sentence.
fn of_dossier(regel: &Logregel) -> String {
    regel.dossier.as_ref().map_or_else(String::new, |nummer| format!(" ({nummer})"))
}

/// Of which proposal a change is, behind a sentence: its number is that of the logregel in which somebody proposed it.
fn by_voorstel(regel: &Logregel) -> String {
    regel.voorstel.map_or_else(String::new, |nummer| format!(", zoals in logregel {nummer} voorgesteld"))
}

fn of_none(nummer: Option<u64>) -> String {
    nummer.map_or_else(|| "-".to_owned(), |nummer| nummer.to_string())
}

/// Why something was refused or taken back, behind a sentence.
fn why(regel: &Logregel) -> String {
    let code = regel.weigering.as_deref();
    let said = code.and_then(|code| RedenIntrekking::what_it_is(code).or_else(|| Weigering::what_it_is(code)));
    said.map_or_else(String::new, |said| format!(": {}", uncapitalised(said)))
}

/// By what content ended, behind a sentence.
fn cause(regel: &Logregel) -> &'static str {
    let is = |oorzaak: Oorzaak| regel.oorzaak.as_deref() == Some(oorzaak.as_str());
    if is(Oorzaak::Vervangen) {
        ", omdat er een nieuwer voor in de plaats kwam"
    } else if is(Oorzaak::Bevestigd) {
        ", omdat de ontvangst is bevestigd"
    } else {
        ""
    }
}

/// Who acted, with the role of who is no partner.
fn actor(getoond: &Getoond, regel: &Logregel) -> String {
    let naam = getoond.actor.as_deref().unwrap_or("de poort");
    match regel.rol.as_deref() {
        Some("fg") => format!("De FG van {naam}"),
        Some("auditor") => "Een auditor".to_owned(),
        Some("beheer") => "Beheer".to_owned(),
        Some("tekent") => format!("Wie tekent voor {naam}"),
        Some("contact") => format!("Het contactpunt van {naam}"),
        Some("poort") | None => "De poort".to_owned(),
        Some(_) => naam.to_owned(),
    }
}

fn uncapitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_say_what_sets_one_event_apart_from_another() {
        let getoond = Getoond {
            afzender: Some("zvh/algemeen".to_owned()),
            ontvanger: Some("zsm/jeugd".to_owned()),
            actor: Some("zsm".to_owned()),
            log_index: 7,
            leaf: Vec::new(),
            tijd_lokaal: String::new(),
        };
        let scenario = |soort| Logregel {
            berichtsoort: Some("scenario".to_owned()),
            rol: Some("partner".to_owned()),
            ..Logregel::new("2026-11-30T10:00:00.000000Z".to_owned(), soort)
        };
        let some = |text: &str| Some(text.to_owned());
        for (regel, told) in [
            (Logregel { vervangt: some("x"), ..scenario(Soort::Aanvaard) }, "in de plaats van een eerder. De poort"),
            (
                Logregel { berichtsoort: some("mondelinge_verstrekking"), ..scenario(Soort::Aanvaard) },
                "zvh/algemeen legde vast zsm/jeugd mondeling te hebben ingelicht.",
            ),
            (
                Logregel { weigering: some("leeg_convenant"), ..scenario(Soort::Geweigerd) },
                "zvh/algemeen wilde een scenario sturen aan zsm/jeugd. De poort weigerde dat",
            ),
            (
                Logregel { weigering: some("verkeerd_geadresseerd"), ..scenario(Soort::VernietigingGevraagd) },
                "te vernietigen: het was verkeerd geadresseerd, een datalek.",
            ),
            (Logregel { gesloten: some("x"), ..scenario(Soort::Beheerd) }, "sloot het logboek, en begon het volgende."),
            (scenario(Soort::Geraadpleegd), "zsm las een scenario van zvh/algemeen."),
            (Logregel { uitkomst: some("gevonden"), ..scenario(Soort::Geraadpleegd) }, "en vond er een van"),
            (Logregel { oorzaak: some("vervangen"), ..scenario(Soort::Vernietigd) }, "omdat er een nieuwer voor"),
            (scenario(Soort::VernietigingBevestigd), "te vernietigen: de eigen kopie is vernietigd."),
            (
                Logregel { weigering: some("in_dossier_opgenomen"), ..scenario(Soort::VernietigingBevestigd) },
                "de eigen kopie staat in een dossier",
            ),
            (Logregel { betrokkene: vec!["x".to_owned()], ..scenario(Soort::Ingezien) }, "zocht naar een persoon"),
            (
                Logregel { voorstel: Some(1234), document: some("zvh-x"), ..scenario(Soort::ConvenantGewijzigd) },
                "zvh-x, zoals in logregel 1234 voorgesteld.",
            ),
            (scenario(Soort::Voorgesteld), "stelde een wijziging voor."),
            (
                Logregel { uitkomst: some("ingetrokken"), voorstel: Some(7), ..scenario(Soort::Voorgesteld) },
                "trok voorstel 7 in.",
            ),
            (Logregel { voorstel: Some(7), ..scenario(Soort::Bekrachtigd) }, "bekrachtigde voorstel 7."),
        ] {
            let said = gebeurtenis(&getoond, &regel);
            assert!(said.contains(told), "{said}");
        }
    }
}
