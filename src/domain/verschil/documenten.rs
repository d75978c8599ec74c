//! Convenanten and their grondslagen: which there are, with which version, term, partijen and status.

use jiff::civil::Date;

use super::{
    super::{Convenant, Grondslag, Status, VanKracht},
    en, pair,
};

pub(super) fn compare(oud: &VanKracht, nieuw: &VanKracht, zinnen: &mut Vec<String>) {
    for (naam, was, is) in pair(oud.convenanten(), nieuw.convenanten(), |convenant| convenant.naam.clone()) {
        match (was, is) {
            (Some(was), Some(is)) => convenant(was, is, zinnen),
            (None, Some(is)) => zinnen.push(format!(
                "Convenant {naam} is nieuw: versie {}, geldig van {} tot en met {}.",
                is.versie, is.geldig_van, is.geldig_tot_en_met
            )),
            (Some(_), None) => zinnen.push(format!("Convenant {naam} is er niet meer.")),
            (None, None) => {}
        }
    }
}

fn convenant(was: &Convenant, is: &Convenant, zinnen: &mut Vec<String>) {
    let naam = &is.naam;
    if was.versie != is.versie {
        zinnen.push(format!("Convenant {naam}: versie {} in plaats van versie {}.", is.versie, was.versie));
    }
    if was.geldig_van != is.geldig_van {
        zinnen.push(format!("Convenant {naam} geldt nu vanaf {} (was {}).", is.geldig_van, was.geldig_van));
    }
    if was.geldig_tot_en_met != is.geldig_tot_en_met {
        let (nu, was) = (is.geldig_tot_en_met, was.geldig_tot_en_met);
        zinnen.push(format!("Convenant {naam} geldt nu tot en met {nu} (was {was})."));
    }
    let names = |one: &Convenant, other: &Convenant| {
        one.partijen.difference(&other.partijen).map(ToString::to_string).collect::<Vec<_>>()
    };
    for (partijen, nu) in [(names(is, was), "nu partij"), (names(was, is), "geen partij meer")] {
        if !partijen.is_empty() {
            let zijn = if partijen.len() == 1 { "is" } else { "zijn" };
            zinnen.push(format!("Bij convenant {naam} {zijn} {} {nu}.", en(&partijen)));
        }
    }
    for (id, was, is) in pair(&was.grondslagen, &is.grondslagen, |grondslag| grondslag.id.clone()) {
        let wat = format!("Grondslag {id} in convenant {naam}");
        match (was, is) {
            (Some(was), Some(is)) => grondslag(&wat, was, is, zinnen),
            (None, Some(is)) => zinnen.push(format!("{wat} is nieuw: {}; {}.", is.citaat, status(&is.status))),
            (Some(_), None) => zinnen.push(format!("{wat} is er niet meer.")),
            (None, None) => {}
        }
    }
}

fn grondslag(wat: &str, was: &Grondslag, is: &Grondslag, zinnen: &mut Vec<String>) {
    if was.status != is.status {
        zinnen.push(format!("{wat} is nu {} (was {}).", status(&is.status), status(&was.status)));
    }
    let day = |day: Option<Date>, without: &str| day.map_or_else(|| without.to_owned(), |day| day.to_string());
    if was.geldig_van != is.geldig_van {
        let [nu, was] = [is.geldig_van, was.geldig_van].map(|van| day(van, "altijd"));
        zinnen.push(format!("{wat} geldt nu vanaf {nu} (was {was})."));
    }
    if was.geldig_tot_en_met != is.geldig_tot_en_met {
        let [nu, was] = [is.geldig_tot_en_met, was.geldig_tot_en_met].map(|tot| day(tot, "nader order"));
        zinnen.push(format!("{wat} geldt nu tot en met {nu} (was {was})."));
    }
    let texts = [
        ("citaat", &was.citaat, &is.citaat),
        ("omschrijving", &was.omschrijving, &is.omschrijving),
        ("bron", &was.bron, &is.bron),
        ("verwerkingsactiviteit", &was.verwerkingsactiviteit, &is.verwerkingsactiviteit),
    ];
    for (key, was, is) in texts {
        if was != is {
            zinnen.push(format!("{wat} heeft nu als {key} \"{is}\" (was \"{was}\")."));
        }
    }
}

fn status(status: &Status) -> String {
    match status {
        Status::Bevestigd => "bevestigd".to_owned(),
        Status::TeBevestigen(None) => "te bevestigen".to_owned(),
        Status::TeBevestigen(Some(aanvaard)) => {
            format!("te bevestigen, aanvaard door {} op {}", aanvaard.door, aanvaard.op)
        }
    }
}
