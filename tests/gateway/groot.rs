//! Documents that are as large as they may be: judging them costs whoever asked for it, and no partner anything.

use std::fmt::Write;

use ketenpoort::proto;

use crate::harness::*;

/// Partners that take part beside those of the example, each with an identity and a mandaat.
pub fn deelnemers(gateway: &TestGateway, partners: usize) -> proto::NieuwDocument {
    let mut text = gateway.edited("deelnemers.toml", "naam = \"zsm\"", "naam = \"zsm\"");
    for number in 0..partners {
        write!(
            text.tekst,
            "\n[[partner]]\nnaam = \"groot-{number}\"\noin = [\"0000009988{number:010}\"]\n\
             \n[[identiteit]]\nca = \"ontwikkel\"\noin = \"0000009988{number:010}\"\npartner = \"groot-{number}\"\n\
             rol = \"partner\"\n\
             \n[[mandaat]]\nid = \"mandaat-{number}\"\ngever = \"burgemeester\"\nfunctie = \"regisseur\"\n\
             partner = \"groot-{number}\"\nberichtsoorten = [\"bekendheidscheck\"]\ngeldig_van = 2026-01-01\n\
             geldig_tot_en_met = 2035-12-31\nbron = \"een test\"\n",
        )
        .unwrap();
    }
    text
}

/// A convenant of its own partners: many rules on few pairs, and one rule on many pairs.
pub fn convenant(naam: &str, partners: usize, rules: usize) -> proto::NieuwDocument {
    let mut tekst = format!(
        "naam = \"{naam}\"\ntitel = \"Groot\"\nversie = \"1\"\ngeldig_van = 2026-01-01\ngeldig_tot_en_met = 2035-12-31\n\
         partijen = {}\n",
        list(0..partners)
    );
    for number in 0..20 {
        write!(
            tekst,
            "\n[[grondslag]]\nid = \"g{number}\"\ncitaat = \"c\"\nomschrijving = \"o\"\nbron = \"b\"\nstatus = \"bevestigd\"\n\
             verwerkingsactiviteit = \"https://register.voorbeeld.test/{number}\"\n",
        )
        .unwrap();
    }
    let mut rule = |id: &str, van: String, naar: String, grondslag: usize| {
        write!(
            tekst,
            "\n[[regel]]\nid = \"{id}\"\nberichtsoort = \"bekendheidscheck\"\nvan = {van}\nnaar = {naar}\n\
             grondslag = [\"g{grondslag}\"]\nhoudbaarheid_maanden = 3\ntelt_vanaf = \"aanvaarding\"\n",
        )
        .unwrap();
    };
    for number in 0..rules {
        let van = number / 10 % partners;
        rule(
            &format!("r{number}"),
            list(van..van + 1),
            list((van + 1) % partners..(van + 1) % partners + 1),
            number % 19,
        );
    }
    rule("breed", list(0..partners / 2), list(partners / 2..partners), 19);
    proto::NieuwDocument { herkomst: naam.to_owned(), tekst }
}

fn list(numbers: std::ops::Range<usize>) -> String {
    let names: Vec<String> = numbers.map(|number| format!("\"groot-{number}\"")).collect();
    format!("[{}]", names.join(", "))
}

/// More than anybody means is a mistake, and told as one: judging it would take the memory of the machine.
#[tokio::test(flavor = "multi_thread")]
async fn documents_that_allow_more_than_can_be_judged_are_refused_with_what_to_do() {
    let gateway = TestGateway::start().await;
    let deelnemers = deelnemers(&gateway, 1100);
    let told = async |convenant| {
        let status = gateway.load(vec![deelnemers.clone(), convenant]).await.unwrap_err();
        let details = tonic_types::StatusExt::get_details_bad_request(&status).unwrap();
        details.field_violations.into_iter().map(|violation| violation.description).collect::<Vec<_>>()
    };
    let wide = told(convenant("breed", 1100, 0)).await;
    assert!(wide.iter().any(|told| told.starts_with("te_veel_stromen: ")), "{wide:?}");
    let narrow = told(convenant("naast", 10, 1100)).await;
    assert!(narrow.iter().any(|told| told.starts_with("te_veel_regels_naast_elkaar: ")), "{narrow:?}");
}
