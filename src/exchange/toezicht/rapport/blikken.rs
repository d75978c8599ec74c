//! Blikken (looks): who looked, of toezicht, beheer, contactpunten and who signs, and what beheer did.

use super::{Afdeling, Tabel, Tellen, lezing::Gebeurtenis, of_none};
use crate::logboek::Soort;

#[derive(Default)]
pub(super) struct Blikken {
    /// By who, in which role, what, and which employee.
    looks: Tellen<(String, String, &'static str, String)>,
}

impl Blikken {
    pub(super) fn take(&mut self, regel: &Gebeurtenis) {
        let of = &regel.regel;
        let changes = matches!(
            of.soort,
            Soort::ConvenantGewijzigd | Soort::PartnerGewijzigd | Soort::Voorgesteld | Soort::Bekrachtigd
        );
        if changes && of.rol.is_some() || matches!(of.soort, Soort::Ingezien | Soort::Geexporteerd | Soort::Beheerd) {
            let who = of_none(regel.getoond.actor.as_ref());
            let rol = of_none(of.rol.as_ref());
            self.looks.add((who, rol, of.soort.as_str(), of_none(regel.medewerker.as_ref())), 1);
        }
    }

    pub(super) fn afdeling(&self) -> Afdeling {
        let zinnen = vec![format!(
            "Logregels van wie keek of beheerde (toezicht, beheer, contactpunten en wie tekent): {}. Wat contactpunten over een verzoek om \
             inzage besloten staat bij de rechten van betrokkenen. Een zoekvraag van meer pagina's is een blik per pagina, en een \
             wijziging een regel per document. De blik voor dit rapport staat er zelf niet in: die kwam erna.",
            self.looks.sum()
        )];
        let rows = self.looks.sorted().into_iter().map(|((who, rol, wat, medewerker), aantal)| {
            vec![who.clone(), rol.clone(), (*wat).to_owned(), medewerker.clone(), aantal.to_string()]
        });
        let tabel =
            Tabel::new(("blikken", "Wie keek of beheerde"), &["wie", "rol", "wat", "medewerker", "aantal"], rows);
        Afdeling { naam: "blikken", titel: "Wie keek", zinnen, tabellen: vec![tabel] }
    }
}
