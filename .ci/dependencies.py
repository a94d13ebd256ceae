"""Checks the crates of a `cargo metadata` file that stand in a `cargo tree` against deny.toml: sources, licences, bans with
version ranges."""
import json
import re
import sys
import tomllib

rules = tomllib.load(open(sys.argv[1], "rb"))
metadata = json.load(open(sys.argv[2]))
built = {tuple(line.split()[:2]) for line in open(sys.argv[3]) if " v" in line}
packages = [package for package in metadata["packages"] if (package["name"], "v" + package["version"]) in built]
allowed = set(rules["licenses"]["allow"])
problems = []


def version(text):
    return tuple(int(n) for n in re.findall(r"\d+", text.split("-")[0].split("+")[0])[:3])


def licensed(expression):
    text = expression.replace("/", " OR ").replace("(", " ").replace(")", " ")
    return any(all(part.strip().split(" WITH ")[0] in allowed or part.strip() in allowed for part in choice.split(" AND ")) for choice in text.split(" OR "))


def banned(rule, package):
    name, _, wanted = rule["crate"].partition(":")
    if name != package["name"]:
        return False
    bound = re.fullmatch(r"(<|=)([\d.]+)", wanted)
    if not bound:
        return not wanted
    found, limit = version(package["version"]), version(bound.group(2))
    return found < limit if bound.group(1) == "<" else found == limit


for package in packages:
    label = f"{package['name']} {package['version']}"
    if package["source"] is None:
        continue
    if not package["source"].startswith("registry+https://github.com/rust-lang/crates.io-index"):
        problems.append(f"{label}: source {package['source']}")
    if not licensed(package["license"] or ""):
        problems.append(f"{label}: licence {package['license']}")
    for rule in rules["bans"].get("deny", []):
        if banned(rule, package):
            problems.append(f"{label}: banned by {rule}")
print(f"dependencies: {len(packages)} crates checked")
if problems:
    sys.exit("\n".join(problems))
