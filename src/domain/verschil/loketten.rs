//! Loketten that stay: whom one reaches there, and whether they close, open again or refer elsewhere. Which there are is
//! told with their partner.

use super::super::{Adres, Contact, Loket, Partner};

pub(super) fn compare(was: Option<&Partner>, is: &Partner, zinnen: &mut Vec<String>) {
    for (naam, loket) in &is.loketten {
        let adres = Adres { partner: is.naam.clone(), loket: naam.clone() };
        let before = was.and_then(|was| was.loketten.get(naam));
        if let Some(before) = before {
            contact(&adres, before.contact.as_ref(), loket.contact.as_ref(), zinnen);
        }
        sluiting(&adres, before.unwrap_or(&Loket::default()), loket, zinnen);
    }
}

fn contact(adres: &Adres, was: Option<&Contact>, is: Option<&Contact>, zinnen: &mut Vec<String>) {
    let functie = |contact: &Contact| contact.functie.clone();
    let telefoon = |contact: &Contact| contact.telefoon.as_str().to_owned();
    for (key, was, is) in
        [("functie", was.map(functie), is.map(functie)), ("telefoon", was.map(telefoon), is.map(telefoon))]
    {
        match (was, is) {
            (Some(was), Some(is)) if was != is => {
                zinnen.push(format!("Loket {adres} heeft nu als {key} \"{is}\" (was \"{was}\")."));
            }
            (None, Some(is)) => zinnen.push(format!("Loket {adres} heeft nu als {key} \"{is}\".")),
            (Some(was), None) => zinnen.push(format!("Loket {adres} heeft geen {key} meer (was \"{was}\").")),
            _ => {}
        }
    }
}

fn sluiting(adres: &Adres, was: &Loket, is: &Loket, zinnen: &mut Vec<String>) {
    match (&was.sluiting, &is.sluiting) {
        (None, Some(is)) => {
            zinnen.push(format!("Loket {adres} sluit vanaf {} en verwijst naar {}.", is.vanaf, is.verwijst_naar));
        }
        (Some(was), None) => {
            zinnen.push(format!("Loket {adres} sluit niet meer (was gesloten vanaf {}).", was.vanaf));
        }
        (Some(was), Some(is)) => {
            if was.vanaf != is.vanaf {
                zinnen.push(format!("Loket {adres} sluit nu vanaf {} (was {}).", is.vanaf, was.vanaf));
            }
            if was.verwijst_naar != is.verwijst_naar {
                let (nu, was) = (&is.verwijst_naar, &was.verwijst_naar);
                zinnen.push(format!("Loket {adres} verwijst nu naar {nu} (was {was})."));
            }
        }
        (None, None) => {}
    }
}
