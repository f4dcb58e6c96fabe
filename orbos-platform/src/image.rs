//! Images: what is pinned, and where it comes from.

use crate::spec::{ImageSettings, ToolSettings};

/// An image that is pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// Registry and repository, like `quay.io/prometheus/prometheus`.
    pub repository: &'static str,
    /// The tag.
    pub tag: &'static str,
    /// The digest of the index for all platforms, `sha256:…`; `None`: it is not known.
    pub digest: Option<&'static str>,
}

impl Image {
    /// An image whose digest is not known.
    pub const fn tagged(repository: &'static str, tag: &'static str) -> Self {
        Self { repository, tag, digest: None }
    }
}

/// Where images come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    /// A registry, maybe with a path, that stands in place of every image's own; `None`: their own.
    pub mirror: Option<String>,
    /// Secrets that open registries.
    pub pull_secrets: Vec<String>,
}

impl From<&ImageSettings> for Images {
    fn from(settings: &ImageSettings) -> Self {
        let ImageSettings { mirror, pull_secrets } = settings;
        Self { mirror: mirror.clone().filter(|it| !it.is_empty()), pull_secrets: pull_secrets.clone() }
    }
}

impl Images {
    /// An image's whole name.
    ///
    /// ```
    /// use orbos_platform::{Image, Images};
    ///
    /// let image = Image::tagged("quay.io/prometheus/prometheus", "v3.13.2");
    /// assert_eq!(Images::default().reference(&image), "quay.io/prometheus/prometheus:v3.13.2");
    /// let mirror = Images { mirror: Some("registry.example.com/mirror".into()), ..Images::default() };
    /// assert_eq!(mirror.reference(&image), "registry.example.com/mirror/prometheus/prometheus:v3.13.2");
    /// ```
    pub fn reference(&self, image: &Image) -> String {
        let Image { repository, tag, digest } = *image;
        let repository = self.repository(repository);
        match digest {
            Some(digest) => format!("{repository}:{tag}@{digest}"),
            None => format!("{repository}:{tag}"),
        }
    }

    /// The same, unless a human wants another image or another tag; then it is taken as it is written, without a digest.
    pub fn overwritten(&self, image: &Image, tool: &ToolSettings) -> String {
        let text = |it: &Option<String>| it.clone().filter(|it| !it.is_empty());
        match (text(&tool.overwrite_image), text(&tool.overwrite_version)) {
            (None, None) => self.reference(image),
            (Some(repository), tag) => format!("{repository}:{}", tag.as_deref().unwrap_or(image.tag)),
            (None, Some(tag)) => format!("{}:{tag}", self.repository(image.repository)),
        }
    }

    /// Where a repository is.
    pub fn repository(&self, repository: &str) -> String {
        let Some(mirror) = &self.mirror else { return repository.to_owned() };
        let path = repository.split_once('/').map_or(repository, |it| it.1);
        format!("{}/{path}", mirror.trim_end_matches('/'))
    }
}
