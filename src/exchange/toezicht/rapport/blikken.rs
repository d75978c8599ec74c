//! Blikken (looks): who of toezicht and beheer looked, and what beheer did.

use super::{Afdeling, Tabel, Tellen, keer, lezing::Gebeurtenis, of_none};
use crate::logboek::Soort;

#[derive(Default)]
pub(super) struct Blikken {
    /// By who, in which role, what, and which employee.
    looks: Tellen<(String, String, &'static str, String)>,
}

impl Blikken {
    pub(super) fn take(&mut self, regel: &Gebeurtenis) {
        let of = &regel.regel;
        if matches!(of.soort, Soort::Ingezien | Soort::Geexporteerd | Soort::Beheerd) {
            let who = of_none(regel.getoond.actor.as_ref());
            let rol = of_none(of.rol.as_ref());
            self.looks.add((who, rol, of.soort.as_str(), of_none(regel.medewerker.as_ref())), 1);
        }
    }

    pub(super) fn afdeling(&self) -> Afdeling {
        let zinnen = vec![format!(
            "Toezicht en beheer keken of handelden samen {}. Elke blik op dit logboek staat er zelf in, ook die voor dit rapport: die komt na de \
             periode of aan het eind ervan.",
            keer(self.looks.sum(), "keer", "keer")
        )];
        let rows = self.looks.sorted().into_iter().map(|((who, rol, wat, medewerker), aantal)| {
            vec![who.clone(), rol.clone(), (*wat).to_owned(), medewerker.clone(), aantal.to_string()]
        });
        let tabel =
            Tabel::new(("blikken", "Wie keek of beheerde"), &["wie", "rol", "wat", "medewerker", "aantal"], rows);
        Afdeling { naam: "blikken", titel: "Wie keek", zinnen, tabellen: vec![tabel] }
    }
}
