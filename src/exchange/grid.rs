//! Rows of cells below a header, whatever file they come from: each becomes a store, or all that is wrong with it.

use crate::catalog::draft::read_row;
use crate::catalog::{Cells, Column, ColumnMap, Problem, SheetRules, code};

use super::{Listener, ROWS_MAX, SheetSummary, too_many_rows};

/// One row of cells.
pub(super) struct Line<'a> {
    /// The row as a spreadsheet shows it.
    pub(super) row: u64,
    /// Its cells, from the first column on.
    pub(super) cells: Vec<&'a str>,
    /// What keeps the row as a whole from being read.
    pub(super) broken: Option<Problem>,
    /// Cells that hold an error in place of a value: the column's place and what the cell shows.
    pub(super) errors: &'a [(usize, String)],
    /// Whether more cells than the header has break the row, because a separator may have parted one.
    pub(super) is_parted: bool,
}

/// What a sheet's header says, and what came of the rows below it.
pub(super) struct Grid<'a> {
    rules: &'a SheetRules<'a>,
    map: ColumnMap,
    columns: Vec<(Column, usize)>,
    pub(super) summary: SheetSummary,
}

impl<'a> Grid<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// Required columns that are missing, and columns with one meaning.
    pub(super) fn below(headers: &[&str], rules: &'a SheetRules<'a>) -> Result<Self, Vec<Problem>> {
        let map = ColumnMap::of_sheet(headers, &rules.mapping)?;
        let columns: Vec<(Column, usize)> = map.known().collect();
        let header = |place: usize| headers.get(place).copied().unwrap_or_default().to_owned();
        let named = columns.iter().map(|(column, place)| (column.english(), header(*place))).collect();
        let summary = SheetSummary { rows: 0, columns: named, warnings: map.warnings.clone() };
        Ok(Self { rules, map, columns, summary })
    }

    /// Hands on what a row says; a blank one is passed over.
    ///
    /// # Errors
    /// More rows than are read.
    pub(super) fn take(&mut self, mut line: Line<'_>, listener: &mut Listener<'_>) -> Result<(), Vec<Problem>> {
        let surplus = line.cells.iter().skip(self.map.width()).find(|it| !it.trim().is_empty()).copied();
        let cell = |place: usize| line.cells.get(place).copied().unwrap_or_default();
        let mut cells = Cells::default();
        for (column, place) in &self.columns {
            cells.put(*column, cell(*place));
        }
        cells.extras = self.map.extras().iter().map(|(place, name)| (&**name, cell(*place))).collect();
        if cells.is_blank() && surplus.is_none() && line.errors.is_empty() {
            return Ok(());
        }
        self.summary.rows += 1;
        if self.summary.rows > ROWS_MAX {
            return Err(vec![too_many_rows()]);
        }
        let mut warnings = Vec::new();
        let row = read_row(line.row, &cells, self.rules, &mut warnings);
        let mut found = self.errors(&line, &mut warnings);
        if let Some(surplus) = surplus.filter(|_| line.broken.is_none()) {
            let problem = self.surplus(&line, surplus);
            if line.is_parted { line.broken = Some(problem) } else { warnings.push(problem) }
        }
        found.splice(..0, line.broken);
        let row = match row {
            Ok(row) if found.is_empty() => Ok(row),
            Ok(_) => Err(found),
            Err(problems) => {
                // What is missing because of an error is told as that error.
                let told = |it: &Problem| found.iter().any(|of| of.code == code::CELL_ERROR && of.column == it.column);
                let rest: Vec<Problem> = problems.into_iter().filter(|it| !told(it)).collect();
                Err(found.into_iter().chain(rest).collect())
            }
        };
        (listener.each)(row, warnings);
        Ok(())
    }

    /// Hands on a row of which nothing can be read.
    ///
    /// # Errors
    /// More rows than are read.
    pub(super) fn refuse(&mut self, problem: Problem, listener: &mut Listener<'_>) -> Result<(), Vec<Problem>> {
        self.summary.rows += 1;
        if self.summary.rows > ROWS_MAX {
            return Err(vec![too_many_rows()]);
        }
        (listener.each)(Err(vec![problem]), Vec::new());
        Ok(())
    }

    /// Errors in columns with a meaning are problems, in others warnings.
    fn errors(&self, line: &Line<'_>, warnings: &mut Vec<Problem>) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (place, shown) in line.errors {
            if let Some((column, _)) = self.columns.iter().find(|(_, it)| it == place) {
                problems.push(cell_error(line.row, column.english().to_owned(), shown));
            } else {
                let name = self.map.extras().iter().find(|(it, _)| it == place).map(|(_, name)| name.to_string());
                warnings.push(cell_error(line.row, name.unwrap_or_default(), shown));
            }
        }
        problems
    }

    fn surplus(&self, line: &Line<'_>, surplus: &str) -> Problem {
        let (cells, width) = (line.cells.len(), self.map.width());
        let message = if line.is_parted {
            format!(
                "the row has {cells} cells, the header has {width}; is a cell with a separator in it not in quotation marks?"
            )
        } else {
            "a cell to the right of the last header is left out".to_owned()
        };
        let value = Some(surplus.chars().take(80).collect());
        Problem { value, ..Problem::new(code::TOO_MANY_CELLS, message) }.in_row(line.row)
    }
}

/// The problem of a cell that holds an error.
pub(super) fn cell_error(row: u64, column: String, shown: &str) -> Problem {
    let message = format!("the cell shows {shown}: its formula failed; correct it, or write the value itself");
    Problem::new(code::CELL_ERROR, message).in_row(row).in_column(column, shown)
}
