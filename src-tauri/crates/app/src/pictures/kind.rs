//! Whether bytes are a picture that a page may draw: known kinds, of bearable size.

use imagesize::{ImageType, blob_size, image_type};

/// No side may have more pixels: a few bytes can unpack to gigabytes.
const MOST_PIXELS: usize = 4_096;
/// How far the beginning of an SVG is looked through for its element.
const HEAD: usize = 4_096;

/// The bytes, when they are a picture. SVG comes out beginning with `<`, by which a page knows it.
pub(super) fn checked(bytes: Vec<u8>) -> Option<Vec<u8>> {
    match image_type(&bytes) {
        Ok(ImageType::Png | ImageType::Jpeg | ImageType::Gif | ImageType::Webp) => {
            let size = blob_size(&bytes).ok()?;
            let bearable = size.width > 0 && size.height > 0 && size.width <= MOST_PIXELS && size.height <= MOST_PIXELS;
            bearable.then_some(bytes)
        }
        Ok(_) | Err(_) => svg(&bytes),
    }
}

/// An SVG is only ever drawn as an image, where nothing in it runs or loads; entities could still
/// make it endless.
fn svg(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?.trim_start_matches('\u{feff}').trim_start();
    let head: String = text.chars().take(HEAD).collect::<String>().to_ascii_lowercase();
    let begins =
        head.starts_with("<svg") || (head.starts_with("<?xml") || head.starts_with("<!")) && head.contains("<svg");
    let endless = text.to_ascii_lowercase().contains("<!entity");
    (begins && !endless).then(|| text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PNG's signature and its first chunk.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
        bytes
    }

    #[test]
    fn pictures_pass_and_pages_programs_and_bombs_do_not() {
        assert!(checked(png(256, 256)).is_some());
        assert!(checked(b"GIF89a\x01\0\x01\0\0\0\0;".to_vec()).is_some());
        assert!(checked(png(60_000, 60_000)).is_none());
        assert!(checked(png(0, 5)).is_none());
        for other in [
            b"<!doctype html><html><script>alert(1)</script></html>".as_slice(),
            b"<html><svg></svg></html>",
            b"{}",
            b"",
            b"%PDF-1.4",
            b"\x7fELF",
            b"\x89PNG\r\n\x1a\n",
        ] {
            assert!(checked(other.to_vec()).is_none(), "{other:?}");
        }
    }

    #[test]
    fn an_svg_begins_with_its_mark_and_has_no_entities() {
        for good in [
            "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            "\u{feff}\n <?xml version=\"1.0\"?><!-- tent --><svg/>",
            "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"x\"><svg/>",
        ] {
            assert_eq!(checked(good.as_bytes().to_vec()).unwrap()[0], b'<', "{good}");
        }
        let laughs = "<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY a \"ha\">]><svg>&a;</svg>";
        assert!(checked(laughs.as_bytes().to_vec()).is_none());
    }
}
