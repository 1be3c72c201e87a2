//! The corporation's tags, and tags on friendships.

use serde_json::{Value, json};

use super::Double;
use super::world::{Answer, Refusal, Request, Tag, TagGroup, World};

const TAGS_MAX: usize = 3_000;
const NAME_CHARS_MAX: usize = 30;

fn shown(group: &TagGroup, only: Option<&[String]>) -> Value {
    let tags = group.tags.iter().filter(|it| only.is_none_or(|ids| ids.contains(&it.id)));
    let tags: Vec<Value> =
        tags.map(|it| json!({ "id": it.id, "name": it.name, "create_time": 0, "order": it.order })).collect();
    json!({
        "group_id": group.id, "group_name": group.name, "create_time": 0, "order": group.order, "tag": tags,
    })
}

fn fits(name: &str) -> Result<(), Refusal> {
    if (1..=NAME_CHARS_MAX).contains(&name.chars().count()) { Ok(()) } else { Err(Refusal(40_072)) }
}

impl World {
    pub(super) fn list_tags(&self, request: &Request) -> Value {
        let (groups, tags) = (request.list("group_id"), request.list("tag_id"));
        let is_meant = |it: &&TagGroup| {
            if groups.is_empty() {
                tags.is_empty() || it.tags.iter().any(|tag| tags.contains(&tag.id))
            } else {
                groups.contains(&it.id)
            }
        };
        let only = (groups.is_empty() && !tags.is_empty()).then_some(tags.as_slice());
        let all: Vec<Value> = self.tag_groups.iter().filter(is_meant).map(|it| shown(it, only)).collect();
        json!({ "tag_group": all })
    }

    pub(super) fn add_tags(&mut self, request: &Request) -> Answer {
        let mut new: Vec<(String, u64)> = Vec::new();
        for it in request.json["tag"].as_array().ok_or(Refusal(40_058))? {
            let name = it["name"].as_str().unwrap_or_default().to_owned();
            fits(&name)?;
            if !new.iter().any(|(known, _)| *known == name) {
                new.push((name, it["order"].as_u64().unwrap_or(0)));
            }
        }
        let count: usize = self.tag_groups.iter().map(|it| it.tags.len()).sum();
        if new.is_empty() || count + new.len() > TAGS_MAX {
            return Err(Refusal(40_058));
        }
        let (id, name) = (request.text("group_id"), request.text("group_name"));
        let found = self.tag_groups.iter().position(|it| if id.is_empty() { it.name == name } else { it.id == id });
        let place = match found {
            Some(place) => place,
            None if !id.is_empty() => return Err(Refusal(40_068)),
            None => {
                fits(name)?;
                let id = self.id("etg");
                let order = request.json["order"].as_u64().unwrap_or(0);
                self.tag_groups.push(TagGroup { id, name: name.to_owned(), order, is_ours: true, tags: Vec::new() });
                self.tag_groups.len() - 1
            }
        };
        if new.iter().any(|(name, _)| self.tag_groups[place].tags.iter().any(|it| it.name == *name)) {
            return Err(Refusal(40_071));
        }
        let mut made = Vec::new();
        for (name, order) in new {
            let id = self.id("et");
            made.push(id.clone());
            self.tag_groups[place].tags.push(Tag { id, name, order, is_ours: true });
        }
        Ok(json!({ "tag_group": shown(&self.tag_groups[place], Some(&made)) }))
    }

    pub(super) fn edit_tag(&mut self, request: &Request) -> Answer {
        let (id, name) = (request.text("id").to_owned(), request.json["name"].as_str().map(ToOwned::to_owned));
        name.as_deref().map_or(Ok(()), fits)?;
        for group in &mut self.tag_groups {
            if group.id == id {
                if !group.is_ours {
                    return Err(Refusal(48_002));
                }
                group.name = name.unwrap_or_else(|| group.name.clone());
                return Ok(json!({}));
            }
            if name.as_ref().is_some_and(|name| group.tags.iter().any(|it| it.id != id && it.name == *name))
                && group.tags.iter().any(|it| it.id == id)
            {
                return Err(Refusal(40_071));
            }
            if let Some(tag) = group.tags.iter_mut().find(|it| it.id == id) {
                if !tag.is_ours {
                    return Err(Refusal(48_002));
                }
                tag.name = name.unwrap_or_else(|| tag.name.clone());
                tag.order = request.json["order"].as_u64().unwrap_or(tag.order);
                return Ok(json!({}));
            }
        }
        Err(Refusal(40_068))
    }

    pub(super) fn delete_tags(&mut self, request: &Request) -> Answer {
        let (groups, tags) = (request.list("group_id"), request.list("tag_id"));
        if groups.is_empty() && tags.is_empty() {
            return Err(Refusal(40_058));
        }
        for group in &self.tag_groups {
            let is_whole = groups.contains(&group.id);
            let others = group.tags.iter().any(|it| !it.is_ours && (is_whole || tags.contains(&it.id)));
            if others || is_whole && !group.is_ours {
                return Err(Refusal(48_002));
            }
        }
        self.tag_groups.retain(|it| !groups.contains(&it.id));
        for group in &mut self.tag_groups {
            group.tags.retain(|it| !tags.contains(&it.id));
        }
        self.tag_groups.retain(|it| !it.tags.is_empty());
        let left: Vec<String> = self.tag_groups.iter().flat_map(|it| it.tags.iter().map(|it| it.id.clone())).collect();
        for friendship in self.friendships.values_mut() {
            friendship.tags.retain(|it| left.contains(it));
        }
        Ok(json!({}))
    }

    pub(super) fn mark_tags(&mut self, request: &Request) -> Answer {
        let (add, remove) = (request.list("add_tag"), request.list("remove_tag"));
        if add.is_empty() && remove.is_empty() {
            return Err(Refusal(40_058));
        }
        let staff = self.staff.get(request.text("userid")).ok_or(Refusal(60_111))?;
        if !staff.in_range {
            return Err(Refusal(60_011));
        }
        if !self.customers.contains_key(request.text("external_userid")) {
            return Err(Refusal(40_096));
        }
        let key = (request.text("userid").to_owned(), request.text("external_userid").to_owned());
        let knows = |id: &String| self.tag_groups.iter().any(|it| it.tags.iter().any(|tag| tag.id == *id));
        let is_wrong = !add.iter().all(knows) || !remove.iter().all(knows);
        let friendship = self.friendships.get_mut(&key).ok_or(Refusal(84_061))?;
        if is_wrong {
            return Err(Refusal(40_068));
        }
        friendship.tags.retain(|it| !remove.contains(it));
        friendship.tags.extend(add);
        if friendship.tags.len() > TAGS_MAX { Err(Refusal(40_058)) } else { Ok(json!({})) }
    }
}

impl Double {
    /// A group of tags that somebody made by hand; the app may not change it. Returns the tags' ids.
    pub fn add_tags_by_hand(&self, group: &str, names: &[&str]) -> Vec<String> {
        let mut world = self.world();
        let id = world.id("etg");
        let tags: Vec<Tag> = names
            .iter()
            .map(|name| Tag { id: world.id("et"), name: (*name).to_owned(), order: 0, is_ours: false })
            .collect();
        let ids = tags.iter().map(|it| it.id.clone()).collect();
        match world.tag_groups.iter_mut().find(|it| it.name == group) {
            Some(there) => there.tags.extend(tags),
            None => world.tag_groups.push(TagGroup { id, name: group.to_owned(), order: 0, is_ours: false, tags }),
        }
        ids
    }

    /// So many tags are there already, made by hand.
    pub fn fill_tags(&self, count: usize) {
        let names: Vec<String> = (0..count).map(|it| format!("手工标签{it}")).collect();
        self.add_tags_by_hand("手工", &names.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// A tag is gone, as if somebody had deleted it in the client.
    pub fn delete_tag_by_hand(&self, id: &str) {
        let mut world = self.world();
        for group in &mut world.tag_groups {
            group.tags.retain(|it| it.id != id);
        }
        world.tag_groups.retain(|it| !it.tags.is_empty());
        for friendship in world.friendships.values_mut() {
            friendship.tags.remove(id);
        }
    }

    /// All tags: group, name, id.
    pub fn tags(&self) -> Vec<(String, String, String)> {
        let world = self.world();
        let of = |it: &TagGroup| {
            let group = it.name.clone();
            it.tags.iter().map(move |tag| (group.clone(), tag.name.clone(), tag.id.clone())).collect::<Vec<_>>()
        };
        world.tag_groups.iter().flat_map(of).collect()
    }

    /// The names of the tags on a friendship, sorted; empty if there is no friendship.
    pub fn tag_names_of(&self, staff: &str, customer: &str) -> Vec<String> {
        let ids = self.tags_of(staff, customer).unwrap_or_default();
        let mut names: Vec<String> =
            self.tags().into_iter().filter(|(_, _, id)| ids.contains(id)).map(|(_, name, _)| name).collect();
        names.sort();
        names
    }
}
