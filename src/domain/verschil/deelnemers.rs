//! Who takes part: partners with their loketten and OINs, identities, and mandaten.

use std::collections::BTreeSet;

use super::{
    super::{Berichtsoort, Deelnemers, Mandaat, Oin, Partner, Toegang, Wijzigen, wijzigen::Bekrachtiging},
    en, loketten as of_loketten, pair,
};

pub(super) fn compare(oud: &Deelnemers, nieuw: &Deelnemers, zinnen: &mut Vec<String>) {
    let of = |deelnemers: &Deelnemers| deelnemers.partners.values().cloned().collect::<Vec<_>>();
    for (naam, was, is) in pair(&of(oud), &of(nieuw), |partner| partner.naam.to_string()) {
        match (was, is) {
            (Some(was), Some(is)) => partner(was, is, zinnen),
            (None, Some(is)) => {
                zinnen.push(format!("Partner {naam} is nieuw, met loket {}.", en(&loketten(is, None))));
                of_loketten::compare(None, is, zinnen);
            }
            (Some(_), None) => zinnen.push(format!("Partner {naam} is er niet meer.")),
            (None, None) => {}
        }
    }
    identiteiten(&oud.toegangen, &nieuw.toegangen, zinnen);
    for (blocked, why) in nieuw.geblokkeerd.iter().filter(|(blocked, _)| !oud.geblokkeerd.contains_key(blocked)) {
        zinnen.push(format!(
            "Het certificaat met vingerafdruk {blocked} geeft geen toegang meer, wie het ook heeft: {why}."
        ));
    }
    for blocked in oud.geblokkeerd.keys().filter(|blocked| !nieuw.geblokkeerd.contains_key(blocked)) {
        zinnen.push(format!("Het certificaat met vingerafdruk {blocked} is niet meer geblokkeerd."));
    }
    if oud.wijzigen != nieuw.wijzigen {
        let [was, is] = [oud.wijzigen, nieuw.wijzigen].map(wijzigen);
        zinnen.push(format!("Een wijziging van wat van kracht is {is} (was: {was})."));
    }
    for (id, was, is) in pair(&oud.mandaten, &nieuw.mandaten, |mandaat| mandaat.id.clone()) {
        match (was, is) {
            (Some(was), Some(is)) => mandaat(was, is, zinnen),
            (None, Some(is)) => zinnen.push(format!(
                "Mandaat {id} is nieuw: {} van {} handelt voor {} bij {}, van {} tot en met {}.",
                is.functie,
                is.partner,
                is.gever,
                soorten(is),
                is.geldig_van,
                is.geldig_tot_en_met
            )),
            (Some(was), None) => zinnen.push(format!("Mandaat {id} van {} is er niet meer.", was.partner)),
            (None, None) => {}
        }
    }
}

/// The loketten of a partner, without those of another version of it.
fn loketten(partner: &Partner, without: Option<&Partner>) -> Vec<String> {
    let other = |loket| without.is_some_and(|without| without.loketten.contains_key(loket));
    partner.loketten.keys().filter(|loket| !other(loket)).map(ToString::to_string).collect()
}

fn partner(was: &Partner, is: &Partner, zinnen: &mut Vec<String>) {
    let oins = |one: &Partner, other: &Partner| {
        let other: BTreeSet<&Oin> = other.oins.iter().collect();
        one.oins.iter().filter(|oin| !other.contains(oin)).map(ToString::to_string).collect::<Vec<_>>()
    };
    let changes = [
        (loketten(is, Some(was)), "krijgt loket"),
        (loketten(was, Some(is)), "heeft niet meer loket"),
        (oins(is, was), "krijgt OIN"),
        (oins(was, is), "heeft niet meer OIN"),
    ];
    for (names, what) in changes {
        if !names.is_empty() {
            zinnen.push(format!("Partner {} {what} {}.", is.naam, en(&names)));
        }
    }
    of_loketten::compare(Some(was), is, zinnen);
    if was.organisatie != is.organisatie {
        let naam = is.organisatie.as_deref().unwrap_or(is.naam.as_str());
        zinnen.push(format!("Partner {} heet voor wie om inzage vraagt voortaan {naam}.", is.naam));
    }
    if was.oins.first() != is.oins.first() && oins(was, is).is_empty() {
        // Addresses in the logboek carry the first one.
        zinnen.push(format!("Partner {} staat voortaan in het logboek onder OIN {}.", is.naam, is.oin()));
    }
}

fn identiteiten(oud: &[Toegang], nieuw: &[Toegang], zinnen: &mut Vec<String>) {
    // A certificate is known by these three; one that does something else now is another identity.
    let key = |toegang: &Toegang| {
        let san = toegang.san.as_ref().map_or(String::new(), |san| format!(" en naam {san}"));
        format!("OIN {}{san} van CA {}", toegang.identiteit.oin, toegang.ca)
    };
    for (certificaat, was, is) in pair(oud, nieuw, key) {
        let who = |toegang: &Toegang| {
            let identiteit = &toegang.identiteit;
            let loketten: Vec<String> = identiteit.loketten.iter().map(ToString::to_string).collect();
            let loket = if loketten.is_empty() { String::new() } else { format!(", loket {}", en(&loketten)) };
            let seen: Vec<String> = identiteit.ziet.partners().iter().map(ToString::to_string).collect();
            let ziet = match identiteit.ziet.is_alles() {
                true => ", ziet alles".to_owned(),
                false if seen.is_empty() => String::new(),
                false => format!(", ziet {}", en(&seen)),
            };
            format!("{} met rol {}{loket}{ziet}", identiteit.partner, identiteit.rol)
        };
        match (was, is) {
            (Some(was), Some(is)) if was.identiteit != is.identiteit => zinnen.push(format!(
                "Het certificaat met {certificaat} geeft nu toegang als {} (was {}).",
                who(is),
                who(was)
            )),
            (None, Some(is)) => {
                zinnen.push(format!("Het certificaat met {certificaat} krijgt toegang als {}.", who(is)));
            }
            (Some(was), None) => {
                zinnen.push(format!("Het certificaat met {certificaat} geeft geen toegang meer (was {}).", who(was)));
            }
            _ => {}
        }
    }
}

fn wijzigen(Wijzigen { bekrachtigt, na_dagen }: Wijzigen) -> String {
    let who = match bekrachtigt {
        Bekrachtiging::Niemand => "vraagt van niemand instemming",
        Bekrachtiging::Ander => "vraagt instemming van een andere beheerder",
        Bekrachtiging::Partijen => "vraagt van elke partij een handtekening",
    };
    match na_dagen {
        0 => format!("{who} en geldt daarna meteen"),
        1 => format!("{who} en geldt op zijn vroegst na 1 dag"),
        dagen => format!("{who} en geldt op zijn vroegst na {dagen} dagen"),
    }
}

fn soorten(mandaat: &Mandaat) -> String {
    en(&mandaat.berichtsoorten.iter().map(Berichtsoort::to_string).collect::<Vec<_>>())
}

fn mandaat(was: &Mandaat, is: &Mandaat, zinnen: &mut Vec<String>) {
    let id = &is.id;
    if was.geldig_van != is.geldig_van {
        zinnen.push(format!("Mandaat {id} geldt nu vanaf {} (was {}).", is.geldig_van, was.geldig_van));
    }
    if was.geldig_tot_en_met != is.geldig_tot_en_met {
        let (nu, was) = (is.geldig_tot_en_met, was.geldig_tot_en_met);
        zinnen.push(format!("Mandaat {id} geldt nu tot en met {nu} (was {was})."));
    }
    if was.berichtsoorten != is.berichtsoorten {
        zinnen.push(format!("Mandaat {id} geldt nu voor {} (was {}).", soorten(is), soorten(was)));
    }
    let (partner, was_partner) = (is.partner.to_string(), was.partner.to_string());
    let texts = [
        ("gever", &was.gever, &is.gever),
        ("functie", &was.functie, &is.functie),
        ("partner", &was_partner, &partner),
        ("bron", &was.bron, &is.bron),
    ];
    for (key, was, is) in texts {
        if was != is {
            zinnen.push(format!("Mandaat {id} heeft nu als {key} \"{is}\" (was \"{was}\")."));
        }
    }
}
