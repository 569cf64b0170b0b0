//! The results as a chart: a row per case, a mark per runtime, on a logarithmic axis.

use plotters::coord::combinators::IntoLogRange;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use tokenlatch_tests::Fault;

use crate::cases;
use crate::figures::Row;

const WIDTH: i32 = 1080;
/// Height of a case, in pixels.
const LINE: i32 = 64;
/// Width of the column with the cases' names, in pixels.
const LEFT: i32 = 180;
const HEAD: i32 = 92;
const FOOT: i32 = 60;
/// The background is drawn too, so that the chart looks the same on light and dark pages.
const PAPER: RGBColor = RGBColor(255, 255, 255);
const INK: RGBColor = RGBColor(32, 32, 36);
const BAND: RGBColor = RGBColor(243, 244, 246);

#[derive(Clone, Copy)]
enum Shape {
    Circle,
    Square,
    Diamond,
    Up,
    Down,
}

/// Colours for colour-blind readers (Okabe and Ito's palette), and shapes for readers who see no colours.
const MARKS: &[(&str, RGBColor, Shape)] = &[
    ("native", RGBColor(0, 0, 0), Shape::Diamond),
    ("wasmtime", RGBColor(230, 159, 0), Shape::Square),
    ("node", RGBColor(0, 158, 115), Shape::Circle),
    ("node-22", RGBColor(0, 158, 115), Shape::Down),
    ("node-24", RGBColor(0, 158, 115), Shape::Up),
    ("deno", RGBColor(86, 180, 233), Shape::Square),
    ("bun", RGBColor(204, 121, 167), Shape::Up),
    ("workerd", RGBColor(213, 94, 0), Shape::Down),
    ("chromium", RGBColor(0, 114, 178), Shape::Diamond),
];

/// The chart as SVG text.
pub(crate) fn svg(rows: &[Row], machine: &str) -> Result<String, Fault> {
    let mut text = String::new();
    let shown: Vec<&str> = cases::ALL
        .iter()
        .map(|case| case.name)
        .filter(|name| rows.iter().any(|row| row.case == *name && row.median_ns.is_some()))
        .collect();
    let height = HEAD + FOOT + LINE * i32::try_from(shown.len().max(1)).unwrap_or(1);
    {
        let size = (WIDTH as u32, height.unsigned_abs());
        let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
        draw(&root, rows, &shown, machine).map_err(Fault::during("the picture"))?;
        root.present().map_err(Fault::during("the picture"))?;
    }
    Ok(text)
}

type Area<'t> = DrawingArea<SVGBackend<'t>, plotters::coord::Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw(root: &Area<'_>, rows: &[Row], shown: &[&str], machine: &str) -> Drawn {
    root.fill(&PAPER)?;
    let (head, rest) = root.split_vertically(HEAD);
    heading(&head, rows, machine)?;

    let figures = rows.iter().filter_map(|row| row.min_ns.zip(row.max_ns));
    let (least, greatest) = figures.fold((f64::MAX, 0.0_f64), |(least, greatest), (min, max)| {
        (least.min(min), greatest.max(max))
    });
    // Whole decades, so that the axis ends at a labelled value.
    let from = 10_f64.powf(least.max(0.1).log10().floor());
    let to = 10_f64.powf(greatest.max(from * 10.0).log10().ceil());
    let lines = shown.len() as f64;
    // The first case is at the top.
    let line = |case: &str| {
        shown
            .iter()
            .position(|name| *name == case)
            .map(|at| lines - at as f64 - 0.5)
    };
    let mut chart = ChartBuilder::on(&rest)
        .set_label_area_size(LabelAreaPosition::Left, LEFT)
        .set_label_area_size(LabelAreaPosition::Bottom, FOOT)
        .margin_right(24)
        .build_cartesian_2d((from..to).log_scale(), 0.0..lines)?;
    for at in (0..shown.len()).step_by(2) {
        let top = lines - at as f64;
        let band = Rectangle::new([(from, top - 1.0), (to, top)], BAND.filled());
        chart.draw_series(std::iter::once(band))?;
    }
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(0)
        .light_line_style(TRANSPARENT)
        .bold_line_style(INK.mix(0.22))
        .axis_style(INK)
        .x_labels(12)
        .x_desc("time of one call, logarithmic; a line from the quickest round to the slowest")
        .x_label_formatter(&|nanoseconds| duration(*nanoseconds))
        .label_style(("sans-serif", 15).into_font().color(&INK))
        .draw()?;
    let name = ("sans-serif", 15)
        .into_font()
        .color(&INK)
        .pos(Pos::new(HPos::Right, VPos::Center));
    for (at, case) in (0..).zip(shown) {
        rest.draw(&Text::new(*case, (LEFT - 10, LINE * at + LINE / 2), name.clone()))?;
    }
    for row in rows {
        let (Some(median), Some(min), Some(max), Some(at)) = (row.median_ns, row.min_ns, row.max_ns, line(row.case))
        else {
            continue;
        };
        let Some(index) = MARKS.iter().position(|(name, ..)| *name == row.runtime) else {
            continue;
        };
        let (_, colour, shape) = MARKS[index];
        // Runtimes are drawn side by side, so that none hides another.
        let at = at + 0.38 - 0.76 * index as f64 / (MARKS.len() - 1) as f64;
        let [min, median] = [min, median].map(|value| value.max(from));
        chart.draw_series(std::iter::once(PathElement::new(
            vec![(min, at), (max, at)],
            colour.mix(0.6).stroke_width(2),
        )))?;
        chart.draw_series(std::iter::once(
            EmptyElement::at((median, at)) + Polygon::new(outline(shape), colour.filled()),
        ))?;
    }
    Ok(())
}

/// Draws the title and the legend.
fn heading(area: &Area<'_>, rows: &[Row], machine: &str) -> Drawn {
    let style = |size: i32| {
        ("sans-serif", size)
            .into_font()
            .color(&INK)
            .pos(Pos::new(HPos::Left, VPos::Center))
    };
    area.draw(&Text::new(
        "Checking a token: one call, in each runtime",
        (16, 20),
        style(20),
    ))?;
    area.draw(&Text::new(machine.to_owned(), (16, 44), style(13)))?;
    let mut left = 24;
    for (name, colour, shape) in MARKS
        .iter()
        .filter(|(name, ..)| rows.iter().any(|row| row.runtime == *name))
    {
        area.draw(&(EmptyElement::at((left, 72)) + Polygon::new(outline(*shape), colour.filled())))?;
        area.draw(&Text::new(*name, (left + 12, 72), style(15)))?;
        left += 34 + 9 * i32::try_from(name.len())?;
    }
    Ok(())
}

/// The outline of a mark around the origin, in pixels.
fn outline(shape: Shape) -> Vec<(i32, i32)> {
    match shape {
        Shape::Circle => (0..12)
            .map(|step| {
                let angle = f64::from(step) * std::f64::consts::TAU / 12.0;
                ((5.0 * angle.cos()).round() as i32, (5.0 * angle.sin()).round() as i32)
            })
            .collect(),
        Shape::Square => vec![(-4, -4), (4, -4), (4, 4), (-4, 4)],
        Shape::Diamond => vec![(0, -6), (6, 0), (0, 6), (-6, 0)],
        Shape::Up => vec![(0, -6), (6, 5), (-6, 5)],
        Shape::Down => vec![(0, 6), (6, -5), (-6, -5)],
    }
}

fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        value if value < 1e3 => format!("{value:.0} ns"),
        value if value < 1e6 => format!("{:.0} µs", value / 1e3),
        value => format!("{:.0} ms", value / 1e6),
    }
}
