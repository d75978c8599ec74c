//! Rules beside each other: whether there is room for them, and whether those of one convenant say the same of one exchange.

use crate::{
    domain::{
        Deelnemers, PartnerNaam, Regel,
        convenant::overlapping,
        naast::{GeenRuimte, MEESTE_NAAST, MEESTE_STROMEN, Naast, Ruimte},
    },
    lezen::{fout::Fout, section::Section},
};

/// Whether there is room for these rules; notes the first one for which there is none.
pub(super) fn fits(
    root: &Section<'_>,
    regels: &[(usize, Regel)],
    deelnemers: &Deelnemers,
    ruimte: &mut Ruimte,
) -> bool {
    let loketten = |naam: &PartnerNaam| deelnemers.partners.get(naam).map_or(0, |partner| partner.loketten.len());
    let full = regels.iter().find_map(|(line, regel)| Some((line, regel, ruimte.take(regel, loketten).err()?)));
    let Some((line, regel, full)) = full else { return true };
    let fout = match full {
        GeenRuimte::Stromen => Fout::TeVeelStromen { meeste: MEESTE_STROMEN },
        GeenRuimte::Naast(van, naar) => Fout::TeVeelNaast {
            berichtsoort: regel.berichtsoort.to_string(),
            van: van.to_string(),
            naar: naar.to_string(),
            meeste: MEESTE_NAAST,
        },
    };
    root.mistake(*line, fout);
    false
}

/// Two rules of one convenant on one exchange must say the same: a reader cannot know which one holds.
pub(super) fn contradictions(root: &Section<'_>, regels: &[(usize, Regel)]) {
    let naast = Naast::new(regels.iter().map(|(_, regel)| regel));
    for (at, (_, regel)) in regels.iter().enumerate() {
        for later in naast.later(at, regel) {
            let (line, later) = &regels[later];
            let verschil = overlapping(regel, later).then(|| regel.differs_from(later)).flatten();
            if let Some(verschil) = verschil {
                let (regel, andere) = (later.id.clone(), regel.id.clone());
                let verschil = verschil.to_owned();
                root.mistake(*line, Fout::RegelsSprekenElkaarTegen { regel, andere, verschil });
            }
        }
    }
}
