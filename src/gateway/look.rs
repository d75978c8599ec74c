//! What a start asks before it opens anything: the same of certificates, lists and keys as `check`.

use jiff::Timestamp;

use super::GatewayError;
use crate::{
    check::{bevindingen::Onderwerp, certificaten},
    config::Config,
    lezen::Fouten,
};

/// Asks what `check` asks of certificates, lists and keys. A finding that nothing can excuse refuses every start. In `productie`
/// one that can be accepted by name refuses the start too, unless it is accepted; or unless it rests on the clock and that is in
/// doubt, because handshakes judge by the clock themselves. All of these are told at once, with the mistakes in the files. Any
/// other finding is a warning in `productie`, and only mentioned in development.
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
