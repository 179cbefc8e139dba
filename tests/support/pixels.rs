//! What a picture of a screen shows, counted.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

/// How many pixels have each colour, as `#rrggbb`. ImageMagick reads the picture.
#[track_caller]
#[must_use]
pub fn colours(picture: &Path) -> HashMap<String, usize> {
    let raw = Command::new("convert").arg(picture).args(["-depth", "8", "rgb:-"]).output();
    let raw = raw.expect("ImageMagick's convert can be run");
    assert!(raw.status.success(), "{} cannot be read: {}", picture.display(), String::from_utf8_lossy(&raw.stderr));
    let mut found = HashMap::<[u8; 3], usize>::new();
    for pixel in raw.stdout.chunks_exact(3) {
        if let Ok(pixel) = <[u8; 3]>::try_from(pixel) {
            *found.entry(pixel).or_default() += 1;
        }
    }
    found.into_iter().map(|([r, g, b], count)| (format!("#{r:02x}{g:02x}{b:02x}"), count)).collect()
}
