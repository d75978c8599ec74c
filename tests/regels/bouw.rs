//! Small values to build what is in force from.

use jiff::civil::date;
use ketenpoort::domain::{
    Acceptatie, Adres, Adrespatroon, Bericht, BerichtId, Berichtsoort, Bewaar, Convenant, Deelnemers, Eerder,
    EerdereOntvanger, Feiten, Grondslag, Loket, Mandaat, Ontvanger, Partner, Regel, Status, Stempel, TeltVanaf,
    Termijn, Toestand, VanKracht,
};
use uuid::Uuid;

pub fn adres(text: &str) -> Adres {
    text.parse().unwrap()
}

/// A partner, or one loket of it.
pub fn patroon(text: &str) -> Adrespatroon {
    let (partner, loket) = text.split_once('/').map_or((text, None), |(partner, loket)| (partner, Some(loket)));
    Adrespatroon { partner: partner.parse().unwrap(), loket: loket.map(|loket| loket.parse().unwrap()) }
}

pub fn partner(naam: &str, oin: &str, loketten: &[&str]) -> Partner {
    Partner {
        naam: naam.parse().unwrap(),
        organisatie: None,
        oins: vec![oin.parse().unwrap()],
        loketten: loketten.iter().map(|loket| (loket.parse().unwrap(), Loket::default())).collect(),
    }
}

pub fn grondslag(id: &str) -> Grondslag {
    Grondslag {
        id: id.to_owned(),
        citaat: "citaat".to_owned(),
        omschrijving: "omschrijving".to_owned(),
        bron: "bron".to_owned(),
        status: Status::Bevestigd,
        geldig_van: None,
        geldig_tot_en_met: None,
        verwerkingsactiviteit: format!("https://register.voorbeeld.test/{id}"),
    }
}

pub fn acceptatie() -> Acceptatie {
    Acceptatie { door: "FG".to_owned(), op: date(2026, 2, 1), waarom: "advies loopt".to_owned() }
}

pub fn regel(id: &str) -> Regel {
    Regel {
        id: id.to_owned(),
        berichtsoort: Berichtsoort::Contextinformatieverzoek,
        van: vec![patroon("zsm")],
        naar: vec![patroon("zvh")],
        grondslagen: vec!["a".to_owned()],
        houdbaarheid: Termijn::Maanden(3),
        afwijking: None,
        telt_vanaf: TeltVanaf::Aanvaarding,
        doelgroep: None,
        categorie: None,
        bsn_toegestaan: false,
        mandaat: None,
        mede_ontvanger: Vec::new(),
        max_verlengingen: 0,
        bewaar_inhoud: Bewaar::default(),
        verwerkingsactiviteit: None,
    }
}

pub fn convenant(regels: Vec<Regel>) -> Convenant {
    Convenant {
        naam: "test".to_owned(),
        titel: "Convenant om te toetsen".to_owned(),
        versie: "1".to_owned(),
        hash: "00".repeat(32),
        partijen: ["zsm", "zvh"].map(|naam| naam.parse().unwrap()).into(),
        geldig_van: date(2026, 1, 1),
        geldig_tot_en_met: date(2026, 12, 31),
        staat_achter: Vec::new(),
        grondslagen: vec![grondslag("a"), grondslag("b")],
        regels,
    }
}

/// For `contextinformatieverzoek`, all of 2026.
pub fn mandaat(id: &str, partner: &str) -> Mandaat {
    Mandaat {
        id: id.to_owned(),
        gever: "burgemeester".to_owned(),
        functie: "procesregisseur".to_owned(),
        partner: partner.parse().unwrap(),
        berichtsoorten: [Berichtsoort::Contextinformatieverzoek].into(),
        geldig_van: date(2026, 1, 1),
        geldig_tot_en_met: date(2026, 12, 31),
        bron: "besluit".to_owned(),
    }
}

pub fn deelnemers() -> Deelnemers {
    let partners = [
        partner("zsm", "00000099000000001000", &["algemeen", "jeugd"]),
        partner("zvh", "00000099000000002000", &["algemeen", "jeugd"]),
    ];
    let partners = partners.into_iter().map(|partner| (partner.naam.clone(), partner)).collect();
    Deelnemers { partners, ..Deelnemers::default() }
}

/// In production.
pub fn van_kracht(convenanten: Vec<Convenant>) -> VanKracht {
    VanKracht::new(1, true, deelnemers(), convenanten)
}

/// From zsm to zvh about an adult, who names nothing.
pub fn bericht() -> Bericht {
    Bericht {
        request_id: Uuid::from_u128(1),
        vingerafdruk: [0; 32],
        loket: "algemeen".parse().unwrap(),
        ontvangers: vec![adres("zvh")],
        in_antwoord_op: None,
        houdbaar_tot_en_met: None,
        grondslag: None,
        convenant: None,
        vervangt: None,
        feiten: Feiten {
            geboortedatum: "1990-01-01".parse().ok(),
            pleegdatum: Some(date(2026, 11, 20)),
            ..Feiten::new(Berichtsoort::Contextinformatieverzoek)
        },
        betrokkenen: Vec::new(),
        medewerker: "m".to_owned(),
        inhoud: Vec::new(),
    }
}

/// An earlier bericht of 20 November 2026 that its ontvangers got, and can still read.
pub fn eerder(id: BerichtId, soort: Berichtsoort, afzender: &str, ontvangers: &[&str]) -> Eerder {
    let stempel = Stempel {
        grondslag: "a".to_owned(),
        regel: "vroeger".to_owned(),
        convenant: "11".repeat(32),
        verwerkingsactiviteit: "https://register.voorbeeld.test/a".to_owned(),
        houdbaar_tot_en_met: date(2027, 2, 20),
        bewaar_inhoud: Bewaar::Houdbaarheid,
    };
    let ontvanger = |text: &&str| EerdereOntvanger {
        ontvanger: Ontvanger {
            adres: adres(text),
            oin: "00000099000000101000".parse().unwrap(),
            stempel: stempel.clone(),
        },
        toestand: Toestand::Bevestigd,
        was_received: true,
    };
    Eerder {
        bericht: id,
        gesprek: id,
        soort,
        afzender: adres(afzender),
        ontvangers: ontvangers.iter().map(ontvanger).collect(),
        doelgroep: None,
        verlenging: 0,
        dag: date(2026, 11, 20),
    }
}
