//! How WebKitGTK draws. Without a graphics card its default sends a canvas through a software
//! renderer twice, seconds for a frame; a variable that it reads at its start avoids that. Setting
//! a variable within a running process is unsafe, so the program starts itself once more with it.

/// How the window is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renderer {
    /// As the system thinks best.
    Default,
    /// For a computer without a graphics card.
    Software,
}

/// What says to the second start how it was decided.
const DECIDED: &str = "BIVOUAC_RENDERER";

impl Renderer {
    /// Reads its name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "default" => Some(Self::Default),
            "software" => Some(Self::Software),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Software => "software",
        }
    }

    /// The one in use.
    pub fn in_use() -> Self {
        std::env::var(DECIDED).ok().as_deref().and_then(Self::named).unwrap_or(Self::Default)
    }
}

/// Goes on with the right renderer: returns in the process that shall open the window.
pub fn settle(wanted: Option<Renderer>) {
    #[cfg(target_os = "linux")]
    linux::settle(wanted);
    #[cfg(not(target_os = "linux"))]
    let _ = wanted;
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use super::{DECIDED, Renderer};

    /// What WebKitGTK reads.
    const NO_DMABUF: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
    /// Kernel drivers that draw nothing themselves.
    const NO_HARDWARE: [&str; 4] = ["vgem", "vkms", "simpledrm", "bochs-drm"];

    pub(super) fn settle(wanted: Option<Renderer>) {
        if std::env::var_os(DECIDED).is_some() {
            return;
        }
        let renderer = match wanted {
            Some(wanted) => wanted,
            // Somebody decided for all programs.
            None if std::env::var_os(NO_DMABUF).is_some() => Renderer::Software,
            None if has_hardware() => Renderer::Default,
            None => Renderer::Software,
        };
        let Ok(program) = std::env::current_exe() else { return };
        let mut again = Command::new(program);
        again.args(std::env::args_os().skip(1)).env(DECIDED, renderer.name());
        if renderer == Renderer::Software {
            again.env(NO_DMABUF, "1");
        }
        // Comes back only when it failed; then the window opens as it is.
        let error = again.exec();
        tracing::warn!(%error, "start again with another renderer");
    }

    /// Whether there is a render node with a real driver behind it.
    fn has_hardware() -> bool {
        let Ok(nodes) = fs::read_dir("/dev/dri") else { return false };
        nodes.flatten().any(|node| {
            let name = node.file_name().to_string_lossy().into_owned();
            if !name.starts_with("renderD") {
                return false;
            }
            let driver = fs::read_link(format!("/sys/class/drm/{name}/device/driver"));
            let driver = driver.ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
            driver.is_some_and(|driver| !NO_HARDWARE.contains(&driver.as_str()))
        })
    }
}
