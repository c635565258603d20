"""A template of CloudFormation as CloudFormation would read it: parameters put in, conditions decided, functions carried out. Knows the
functions that our templates use and fails at any other; makes no call, and what AWS would fill in is a name of its own."""

import re

import yaml

PSEUDO = {
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
}
NOTHING = object()


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _short_form(loader, suffix, node):
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        return {name: value.split(".", 1) if suffix == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", _short_form)
# A date is a text to CloudFormation.
Loader.add_constructor("tag:yaml.org,2002:timestamp", Loader.construct_yaml_str)


class Stack:
    """A template with parameters."""

    def __init__(self, template, parameters=()):
        self.template = template
        self.parameters = dict(PSEUDO)
        for name, declared in template.get("Parameters", {}).items():
            value = dict(parameters).get(name, declared.get("Default"))
            if value is None:
                raise ValueError(f"the parameter {name} has no default: give it")
            if declared["Type"] == "CommaDelimitedList" or declared["Type"].startswith("List<"):
                value = value if isinstance(value, list) else value.split(",")
            else:
                value = str(value)
                pattern = declared.get("AllowedPattern")
                if pattern and not re.fullmatch(pattern, value):
                    raise ValueError(f"{name}={value} is not allowed by {pattern}")
            self.parameters[name] = value
        unknown = set(dict(parameters)) - set(self.parameters)
        if unknown:
            raise ValueError(f"no such parameters: {unknown}")

    @classmethod
    def read(cls, path, parameters=()):
        """That of a file."""
        with open(path, encoding="utf-8") as file:
            return cls(yaml.load(file, Loader), parameters)

    def resources(self):
        """The names of the resources that there would be."""
        every = self.template["Resources"].items()
        return [name for name, it in every if "Condition" not in it or self.holds(it["Condition"])]

    def properties(self, name):
        """A resource's properties."""
        if name not in self.resources():
            raise KeyError(f"there would be no {name}")
        return self.resolve(self.template["Resources"][name].get("Properties", {}))

    def holds(self, condition):
        """Whether a condition holds."""
        return self.resolve(self.template["Conditions"][condition])

    def resolve(self, value):
        """A value with its functions carried out."""
        if isinstance(value, list):
            return [it for it in map(self.resolve, value) if it is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), = value.items()
            if name == "Condition" and isinstance(argument, str):
                return self.holds(argument)
            if name == "Ref" or name.startswith("Fn::"):
                return getattr(self, "_" + name.removeprefix("Fn::").lower())(argument)
        resolved = {key: self.resolve(it) for key, it in value.items()}
        return {key: it for key, it in resolved.items() if it is not NOTHING}

    def _ref(self, name):
        if name == "AWS::NoValue":
            return NOTHING
        if name in self.parameters:
            return self.parameters[name]
        resource = self.template["Resources"][name]
        if resource["Type"] == "AWS::SSM::Parameter":
            return self.properties(name)["Name"]
        if resource["Type"] == "AWS::SQS::Queue":
            queue = self.properties(name)["QueueName"]
            return f"https://sqs.{PSEUDO['AWS::Region']}.amazonaws.com/{PSEUDO['AWS::AccountId']}/{queue}"
        return f"<{name}>"

    def _getatt(self, argument):
        name, attribute = argument
        if name not in self.resources():
            raise KeyError(f"there would be no {name}")
        if self.template["Resources"][name]["Type"] == "AWS::SSM::Parameter" and attribute == "Value":
            return self.properties(name)["Value"]
        return f"<{name}.{attribute}>"

    def _sub(self, argument):
        text, given = argument if isinstance(argument, list) else (argument, {})
        given = self.resolve(given)

        def value(match):
            name = match.group(1)
            if name in given:
                return given[name]
            return self._getatt(name.split(".", 1)) if "." in name else self._ref(name)

        return re.sub(r"\$\{([^!}]+)\}", value, text)

    def _join(self, argument):
        separator, parts = argument
        if not isinstance(separator, str):
            raise ValueError("Fn::Join takes no function for its separator")
        return separator.join(self.resolve(parts))

    def _if(self, argument):
        condition, then, otherwise = argument
        return self.resolve(then if self.holds(condition) else otherwise)

    def _findinmap(self, argument):
        one, key, value = self.resolve(argument)
        return self.template["Mappings"][one][key][value]

    def _equals(self, argument):
        one, other = self.resolve(argument)
        return one == other

    def _not(self, argument):
        return not self.resolve(argument)[0]

    def _and(self, argument):
        return all(self.resolve(argument))
