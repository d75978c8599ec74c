//! What `logboek verify`, `backup` and `restore` say of the content that is kept: whether it opens, and is what was logged.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Failure, logboek::open, print_line};
use crate::{
    clock::SystemRng,
    config::Config,
    gateway::GatewayError,
    logboek::VerifyKey,
    sleutels::KeyError,
    store::verify::{
        Keys,
        inhoud::{Content, content, keys},
    },
};

/// Opens all content that is kept.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn look_at(config: &Config, keys: &Keys) -> Result<Content, Failure> {
    let read = open(config).await?;
    let found = content(&read, &keys.store).await.map_err(GatewayError::from)?;
    read.close().await;
    Ok(found)
}

/// The keys by which content is sealed, where they can be read; else why not. Nothing that signs is read.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn sealing_keys(config: &Config, key: &VerifyKey) -> Result<Result<Keys, KeyError>, Failure> {
    let read = open(config).await?;
    let keys = keys(&read, &config.sleutels, key, Arc::new(SystemRng)).await;
    read.close().await;
    Ok(keys)
}

/// What was found, for `--json`.
pub(crate) fn as_json(content: &Result<Content, KeyError>) -> Value {
    match content {
        Ok(content) => json!({
            "gecontroleerd": content.sound, "beschadigd": content.damaged,
            "zonder_dagsleutel": content.without_key.values().sum::<u64>(),
        }),
        Err(error) => json!({"niet_gecontroleerd": error.to_string()}),
    }
}

/// What was found, for people.
///
/// # Errors
/// When stdout is closed.
pub(crate) fn print(content: &Result<Content, KeyError>) -> Result<(), Failure> {
    match content {
        Ok(content) if content.damaged.is_empty() => {
            print_line(&format!("De bewaarde inhoud klopt: {} keer geopend en vergeleken.", content.sound))?;
        }
        Ok(content) => print_line(&format!("Van de bewaarde inhoud klopt {} keer, de rest niet.", content.sound))?,
        Err(error) => print_line(&format!("De bewaarde inhoud is NIET gecontroleerd: {error}"))?,
    }
    for (day, aantal) in content.iter().flat_map(|content| &content.without_key) {
        print_line(&format!("Niet gecontroleerd: {aantal} keer inhoud van {day}, want die dagsleutel is hier niet."))?;
    }
    Ok(())
}

/// What is damaged, as a failure of whoever must know of it.
pub(crate) fn damage(content: &Content) -> Option<String> {
    let told = (!content.damaged.is_empty()).then(|| content.damaged.join("\n"));
    told.map(|told| {
        format!("{told}\nDe afzender kan zo'n bericht opnieuw sturen, of zet een reservekopie terug die nog heel is.")
    })
}
