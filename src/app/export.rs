//! The catalog's stores, groups and contacts as sheets; what goes out reads back unchanged.

use std::io::Write;

use crate::catalog::{Catalog, FirstContact, FirstGroup};
use crate::exchange::{
    SheetLanguage, SheetLine, TableFormat, WriteError, extra_names, write_contacts, write_groups, write_points,
    write_stores,
};

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SheetOf {
    /// Stores.
    Stores,
    /// Group chats.
    Groups,
    /// Contacts.
    Contacts,
}

/// In what form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SheetForm {
    /// A table with headers of a language.
    Table(TableFormat, SheetLanguage),
    /// Points on the map, of stores only.
    Points,
}

impl SheetForm {
    /// Every form that a sheet may have.
    pub fn all(of: SheetOf) -> impl Iterator<Item = Self> {
        let points = (of == SheetOf::Stores).then_some(Self::Points);
        TableFormat::ALL.into_iter().map(|it| Self::Table(it, SheetLanguage::default())).chain(points)
    }

    /// The ending of file names.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Table(format, _) => format.ending(),
            Self::Points => "geojson",
        }
    }

    /// The media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Table(format, _) => format.media_type(),
            Self::Points => "application/geo+json",
        }
    }
}

/// Writes a sheet of the catalog, and returns the number of its rows. Points are those of stores, whatever is asked for.
///
/// # Errors
/// [`WriteError`] if the output fails or the form cannot hold the rows.
pub fn export_sheet(catalog: &Catalog, of: SheetOf, form: SheetForm, out: &mut dyn Write) -> Result<u64, WriteError> {
    match (of, form) {
        (SheetOf::Groups, SheetForm::Table(format, language)) => write_groups(format, language, catalog.groups(), out),
        (SheetOf::Contacts, SheetForm::Table(format, language)) => {
            write_contacts(format, language, catalog.contacts(), out)
        }
        (SheetOf::Stores, SheetForm::Table(..)) | (_, SheetForm::Points) => stores(catalog, form, out),
    }
}

fn stores(catalog: &Catalog, form: SheetForm, out: &mut dyn Write) -> Result<u64, WriteError> {
    let owned: Vec<(Option<FirstGroup>, Option<FirstContact>)> = (0_u32..)
        .zip(catalog.stores())
        .map(|(key, _)| {
            let group = catalog.groups_of(key).next().map(|(_, it)| FirstGroup {
                link: it.code.link.clone(),
                name: it.name.clone(),
                capacity: it.capacity,
                expires_at: it.code.expires_at,
                expires_by_default: false,
            });
            let contact = catalog.contacts_of(key).next();
            let contact = contact.map(|(_, it)| FirstContact { link: it.code.link.clone(), name: it.name.clone() });
            (group, contact)
        })
        .collect();
    let extras = extra_names(catalog.stores().iter());
    let mut lines = catalog.stores().iter().zip(&owned).map(|(store, (group, contact))| SheetLine {
        store,
        group: group.as_ref(),
        contact: contact.as_ref(),
    });
    match form {
        SheetForm::Table(format, language) => write_stores(format, language, &extras, &mut lines, out),
        SheetForm::Points => write_points(&extras, &mut lines, out),
    }
}
