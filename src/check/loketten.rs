//! Loketten that deserve a second look: named by a rule although they close, and without anybody to call. And partners without a
//! contactpunt.

use std::collections::BTreeSet;

use super::bevindingen::{Bevinding, Onderwerp, Waarschuwing, name};
use crate::{
    domain::{Adres, Convenant, PartnerNaam, Regel, Rol, VanKracht},
    lezen::namen::listed,
};

/// A rule that names a loket in `naar` means that loket; one that names the partner means what is open there.
///
/// Told from the moment that the closing is known, so that the rule can be changed before it stops anything.
pub(super) fn named(van_kracht: &VanKracht, convenant: &Convenant, regel: &Regel, found: &mut Vec<Bevinding>) {
    for patroon in &regel.naar {
        let Some(naam) = &patroon.loket else { continue };
        let loket = van_kracht.partners().get(&patroon.partner).and_then(|partner| partner.loketten.get(naam));
        let Some(sluiting) = loket.and_then(|loket| loket.sluiting.as_ref()) else { continue };
        found.push((
            Onderwerp::Regel(convenant.naam.clone(), regel.id.clone()),
            Waarschuwing::LoketSluit {
                regel: name(convenant, regel),
                loket: patroon.to_string(),
                vanaf: sluiting.vanaf.to_string(),
                verwijst_naar: sluiting.verwijst_naar.to_string(),
            },
        ));
    }
}

/// Partners that exchange, and have nobody who answers people and decides for them in a dossier of inzage.
pub(super) fn without_contactpunt(van_kracht: &VanKracht) -> Option<Bevinding> {
    let with = |rol: Rol| -> BTreeSet<&PartnerNaam> {
        let toegangen = van_kracht.deelnemers().toegangen.iter();
        toegangen.map(|of| &of.identiteit).filter(|of| of.rol == rol).map(|of| &of.partner).collect()
    };
    let (exchanging, answering) = (with(Rol::Partner), with(Rol::Contact));
    let without: Vec<&str> = exchanging.difference(&answering).map(|naam| naam.as_str()).collect();
    let partners = listed(without.iter().copied());
    (!without.is_empty()).then_some((Onderwerp::Geheel, Waarschuwing::ContactpuntOntbreekt { partners }))
}

/// One finding for all of them, and none where no loket has a contact: then the deelnemers do not keep that list here.
pub(super) fn without_contact(van_kracht: &VanKracht) -> Option<Bevinding> {
    let all =
        || van_kracht.partners().values().flat_map(|partner| partner.loketten.iter().map(move |of| (partner, of)));
    if all().all(|(_, (_, loket))| loket.contact.is_none()) {
        return None;
    }
    let without = all().filter(|(_, (_, loket))| loket.contact.is_none());
    let without: Vec<String> = without
        .map(|(partner, (naam, _))| Adres { partner: partner.naam.clone(), loket: naam.clone() }.to_string())
        .collect();
    let loketten = listed(without.iter().map(String::as_str));
    (!without.is_empty()).then_some((Onderwerp::Geheel, Waarschuwing::LoketZonderContact { loketten }))
}
