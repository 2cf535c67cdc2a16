use std::collections::BTreeMap;

/// So many names are compared one by one, most of them by their length alone, faster than they are searched.
const FEW: usize = 16;

/// The wanted parts of an event, as a tree of their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Shape {
    /// The event itself.
    pub root: Node,
    /// An item of its list of readings.
    pub item: Node,
    /// The fields that are the event's own, and are those of every item of its list.
    pub outer: Vec<usize>,
    /// The fields of an item of the list.
    pub inner: Vec<usize>,
}

/// A wanted part.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    /// A value that these fields hold.
    Value(Vec<usize>),
    /// An object of which these members are wanted, in the order of their names.
    Object(Vec<Member>),
    /// The list whose items are readings.
    List,
}

/// A wanted member of an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub name: String,
    pub node: Node,
    /// All fields in it.
    pub fields: Vec<usize>,
    /// Whether the list of readings is in it.
    pub has_list: bool,
}

impl Default for Node {
    fn default() -> Self {
        Self::Object(Vec::new())
    }
}

impl Node {
    /// The wanted member of this name.
    pub fn member<'n>(members: &'n [Member], name: &str) -> Option<&'n Member> {
        if members.len() <= FEW {
            return members.iter().find(|member| member.name == name);
        }
        let place = members.binary_search_by(|member| member.name.as_str().cmp(name));
        members.get(place.ok()?)
    }
}

/// A path of a field that cannot be used with those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathFault {
    /// The field.
    pub field: usize,
    /// What is wrong.
    pub message: String,
}

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step<'p> {
    Member(&'p str),
    Item,
}

impl Shape {
    /// That of fields and their paths.
    pub fn new<'p>(
        paths: impl IntoIterator<Item = (usize, &'p str)>,
    ) -> Result<Self, Vec<PathFault>> {
        let (mut tree, mut faults) = (Tree::default(), Vec::new());
        let mut list: Option<(String, &str)> = None;
        let mut shape = Self::default();
        for (field, path) in paths {
            let added = steps(path).and_then(|steps| {
                if let Some((before, _)) = path.split_once("[]") {
                    match &list {
                        Some((other, of)) if *other != before => {
                            return Err(format!(
                                "readings are the items of one list, but {of:?} has another than {path:?}; make it another stream"
                            ));
                        }
                        _ => list = Some((before.to_owned(), path)),
                    }
                    shape.inner.push(field);
                } else {
                    shape.outer.push(field);
                }
                tree.add(&steps, field, path)
            });
            if let Err(message) = added {
                faults.push(PathFault { field, message });
            }
        }
        shape.root = tree.node();
        shape.item = tree.item().map_or_else(Node::default, Tree::node);
        if faults.is_empty() {
            Ok(shape)
        } else {
            Err(faults)
        }
    }
}

fn steps(path: &str) -> Result<Vec<Step<'_>>, String> {
    const EXAMPLE: &str = "names joined by dots, of which one may end in [], as in values[].temp";
    let mut steps = Vec::new();
    for name in path.split('.') {
        let (name, is_list) = match name.strip_suffix("[]") {
            Some(name) => (name, true),
            None => (name, false),
        };
        if name.is_empty() && is_list && steps.is_empty() {
            return Err(format!(
                "{path:?}: an event that is a list is read item by item as it is; leave out []"
            ));
        }
        if name.is_empty() || name.contains(['[', ']']) {
            return Err(format!("{path:?} is no path: {EXAMPLE}"));
        }
        steps.push(Step::Member(name));
        if is_list {
            if steps.contains(&Step::Item) {
                return Err(format!(
                    "{path:?} has a list in a list, which is not read: {EXAMPLE}"
                ));
            }
            steps.push(Step::Item);
        }
    }
    if steps.len() > 32 {
        return Err(format!("{path:?} has more than 32 names"));
    }
    Ok(steps)
}

/// A tree that is being made.
#[derive(Default)]
struct Tree<'p> {
    /// The fields whose path ends here.
    fields: Vec<usize>,
    below: BTreeMap<Step<'p>, Tree<'p>>,
    /// A path through here.
    path: &'p str,
}

impl<'p> Tree<'p> {
    fn add(&mut self, steps: &[Step<'p>], field: usize, path: &'p str) -> Result<(), String> {
        let unlike = |other: &str| {
            Err(format!(
                "{path:?} and {other:?} want different things in one place: a value, an object or a list"
            ))
        };
        let Some((step, rest)) = steps.split_first() else {
            if !self.below.is_empty() {
                return unlike(self.path);
            }
            self.path = path;
            self.fields.push(field);
            return Ok(());
        };
        let is_other = |other: &Step<'_>| (*other == Step::Item) != (*step == Step::Item);
        if !self.fields.is_empty() || self.below.keys().next().is_some_and(is_other) {
            return unlike(self.path);
        }
        self.path = path;
        self.below
            .entry(step.clone())
            .or_default()
            .add(rest, field, path)
    }

    fn all(&self) -> Vec<usize> {
        let below = self.below.values().flat_map(Tree::all);
        self.fields.iter().copied().chain(below).collect()
    }

    /// The items of the list in it.
    fn item(&self) -> Option<&Tree<'p>> {
        let below = || self.below.values().find_map(Tree::item);
        self.below.get(&Step::Item).or_else(below)
    }

    fn node(&self) -> Node {
        if !self.fields.is_empty() {
            return Node::Value(self.fields.clone());
        }
        if self.below.contains_key(&Step::Item) {
            return Node::List;
        }
        let members = self.below.iter().filter_map(|(step, tree)| match step {
            Step::Member(name) => Some(Member {
                name: (*name).to_owned(),
                node: tree.node(),
                fields: tree.all(),
                has_list: tree.item().is_some(),
            }),
            Step::Item => None,
        });
        Node::Object(members.collect())
    }
}
