//! What a start asks before it opens anything: the same of certificates, lists and keys as `check`.

use jiff::Timestamp;

use super::GatewayError;
use crate::{
    check::{bevindingen::Onderwerp, certificaten},
    config::Config,
    lezen::Fouten,
};

/// Asks what `check` asks of certificates, lists and keys. In `productie` what is not accepted by name refuses the start, all of
/// it at once and with the mistakes in the files, but for what only a clock in doubt says: handshakes judge that by themselves; where it is accepted it is a warning, and in
/// development it is only mentioned.
pub(super) fn look(
    config: &Config,
    productie: bool,
    (now, in_doubt): (Timestamp, bool),
    mistakes: Option<&Fouten>,
) -> Result<(), GatewayError> {
    let mut refused = Vec::new();
    for (onderwerp, waarschuwing) in certificaten::bevindingen(config, now) {
        let Onderwerp::Bestand(bestand) = onderwerp else { continue };
        let (bestand, code) = (bestand.display(), waarschuwing.code());
        let stops = waarschuwing.is_fataal()
            || productie
                && waarschuwing
                    .aanvaardbaar()
                    .is_some_and(|code| !(config.aanvaard.contains(&code) || in_doubt && code.rests_on_the_clock()));
        if stops {
            refused.push(format!("{bestand}: {} ({code})", waarschuwing.uitleg()));
        } else {
            let uitleg = waarschuwing.explanation();
            if productie {
                tracing::warn!(%bestand, code, "a certificate, list or key deserves a look: {uitleg}");
            } else {
                tracing::info!(%bestand, code, "a certificate, list or key deserves a look: {uitleg}");
            }
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    refused.extend(mistakes.into_iter().flat_map(|error| &error.0).map(ToString::to_string));
    Err(GatewayError::Bevindingen(refused))
}
