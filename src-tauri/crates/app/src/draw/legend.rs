//! What a layer's colours and sizes mean, as uMap's caption tells it, with how many features look
//! so.

use serde_json::Value;

use super::classes::{Classes, Sample};
use super::color;
use super::item::Item;
use super::js::{print, rounded};
use super::level::{Kind, said};
use super::look::{can_be_light, symbol};
use super::plan::LayerPlan;
use super::rules::Rule;
use super::scene::{LayerScene, Scene};
use super::types::{LayerLegend, LegendEntry, LegendKind};

/// The legend of each layer of the plan.
pub(crate) fn legends(scene: &Scene) -> Vec<LayerLegend> {
    let layers = scene.plan.layers.iter().zip(&scene.layers);
    layers.map(|(plan, layer)| LayerLegend { layer: plan.id.clone(), entries: entries(scene, plan, layer) }).collect()
}

fn entries(scene: &Scene, plan: &LayerPlan, layer: &LayerScene) -> Vec<LegendEntry> {
    let items: Vec<&Item> = layer.members.iter().filter_map(|member| scene.item(*member)).collect();
    let number = |option: &str| option_of(plan, option).and_then(|value| value.as_f64()).unwrap_or(1.0);
    let opacity = number("fillOpacity");
    let entry = |kind: LegendKind, label: String, color: String, count: Option<u64>| LegendEntry {
        kind,
        label,
        color,
        opacity,
        radius: None,
        symbol: None,
        count,
    };
    let in_class = |class: usize| {
        let found = items.iter().filter(|item| layer.classes.class_of(&item.sample) == Some(class));
        Some(whole(found.count()))
    };
    match &layer.classes {
        Classes::Ranges { breaks, colors } => {
            let pairs = breaks.iter().zip(breaks.iter().skip(1)).zip(colors).enumerate();
            let label = |from: f64, to: f64| format!("{} - {}", print(rounded(from, 1)), print(rounded(to, 1)));
            pairs
                .map(|(class, ((from, to), color))| {
                    entry(LegendKind::Class, label(*from, *to), color.clone(), in_class(class))
                })
                .collect()
        }
        Classes::Categories { values, colors, .. } => {
            let pairs = values.iter().zip(colors).enumerate();
            pairs
                .map(|(class, (value, color))| {
                    let label = if value.is_empty() { String::new() } else { value.string().into_owned() };
                    entry(LegendKind::Category, label, color.clone(), in_class(class))
                })
                .collect()
        }
        Classes::Circles { small, large, .. } => {
            let color = color_of(plan);
            let size = |(radius, value): (f64, f64)| LegendEntry {
                radius: Some(radius),
                ..entry(LegendKind::Size, print(value), color.clone(), None)
            };
            sizes(&items, &layer.classes, *small, *large).into_iter().map(size).collect()
        }
        Classes::None => by_rules(scene, plan, &items, opacity),
    }
}

/// The least, the middle and the greatest value, with the radius of each.
fn sizes(items: &[&Item], classes: &Classes, small: f64, large: f64) -> Vec<(f64, f64)> {
    let number = |item: &&Item| match item.sample {
        Sample::Number(number) => Some(number),
        Sample::Nothing | Sample::Value(_) => None,
    };
    let mut values: Vec<f64> = items.iter().filter_map(number).collect();
    values.sort_by(f64::total_cmp);
    let ([least, ..], [.., greatest]) = (values.as_slice(), values.as_slice()) else { return Vec::new() };
    let mut sizes = vec![(small, *least)];
    if let Some(middle) = values.get(values.len().div_ceil(2)) {
        sizes.push((classes.radius(*middle).unwrap_or(small), *middle));
    }
    sizes.push((large, *greatest));
    sizes
}

/// The rules that have a say in the layer, or else its colour.
fn by_rules(scene: &Scene, plan: &LayerPlan, items: &[&Item], opacity: f64) -> Vec<LegendEntry> {
    let layer = LegendEntry {
        kind: LegendKind::Layer,
        label: String::new(),
        color: color_of(plan),
        opacity,
        radius: None,
        symbol: None,
        count: Some(whole(items.len())),
    };
    if plan.kind() != Kind::Default {
        return vec![layer];
    }
    let levels = &plan.looks.chain.0;
    let (Some(own), Some(map)) = (levels.first(), levels.last()) else { return vec![layer] };
    let met = |place: usize| {
        let meets = |item: &&&Item| scene.looks.get(item.look).is_some_and(|look| look.met.get(place) == Some(&true));
        whole(items.iter().filter(meets).count())
    };
    let mut entries: Vec<LegendEntry> = Vec::new();
    let mut told: Vec<&str> = Vec::new();
    for (place, rule) in own.rules.iter().enumerate() {
        // Of two rules with one condition the later one is told, in the place of the first.
        let entry = by_rule(plan, rule, met(place));
        match told.iter().position(|condition| *condition == rule.condition) {
            Some(at) => {
                if let Some(slot) = entries.get_mut(at) {
                    *slot = entry;
                }
            }
            None => {
                told.push(&rule.condition);
                entries.push(entry);
            }
        }
    }
    let before: usize = levels.iter().take(levels.len().saturating_sub(1)).map(|level| level.rules.len()).sum();
    for (place, rule) in map.rules.iter().enumerate() {
        let count = met(before + place);
        let concerns = own.fields.contains(&rule.field) || map.fields.contains(&rule.field) || count > 0;
        if rule.is_sound() && concerns && !told.contains(&rule.condition.as_str()) {
            told.push(&rule.condition);
            entries.push(by_rule(plan, rule, count));
        }
    }
    if entries.is_empty() { vec![layer] } else { entries }
}

fn by_rule(plan: &LayerPlan, rule: &Rule, count: u64) -> LegendEntry {
    let text = |option: &str| said(&rule.options, option).and_then(Value::as_str).map(str::to_owned);
    let color = text("fillColor").or_else(|| text("color")).unwrap_or_else(|| color_of(plan));
    let symbol = said(&rule.options, "iconUrl").map(|value| {
        let mut symbol = symbol(Some(value.clone()));
        symbol.light = color::wants_light(&color) && can_be_light(&symbol);
        symbol
    });
    let label = if rule.name.is_empty() { rule.condition.clone() } else { rule.name.clone() };
    LegendEntry { kind: LegendKind::Rule, label, color, opacity: 1.0, radius: None, symbol, count: Some(count) }
}

fn option_of(plan: &LayerPlan, option: &str) -> Option<Value> {
    plan.looks.chain.says(option, &[])
}

fn color_of(plan: &LayerPlan) -> String {
    option_of(plan, "color")
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_else(|| "DarkBlue".to_owned())
}

fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
