"""Runs the verification snippets of docs/verify.md, each in its own language.

A program is made of the page's block and a few lines that read cases from standard input, one a line and
tab-separated, and print ``true`` or ``false`` for each. One process answers all cases of a language.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import block, page

PAGE = page("docs/verify.md")
MISSING = "(none)"
WAIT = 100  # seconds for compiling and running on a busy machine


@dataclass(frozen=True)
class Case:
    """One question. ``None``: a header that is missing. ``id`` and ``timestamp`` are not asked for ``hex``."""

    scheme: str
    secrets: tuple[str, ...]
    signature: str | None
    body: bytes
    id: str | None = None
    timestamp: str | None = None

    def line(self) -> str:
        headers = [MISSING if value is None else value for value in (self.id, self.timestamp, self.signature)]
        return "\t".join([self.scheme, ",".join(self.secrets), *headers, base64.b64encode(self.body).decode()])


@dataclass(frozen=True)
class Language:
    """``needs``: programs without which it cannot run. ``command`` runs ``file`` in its folder."""

    name: str
    fence: str
    needs: tuple[str, ...]
    file: str
    command: tuple[str, ...]
    driver: str
    driver_file: str = ""

    @property
    def missing(self) -> list[str]:
        return [program for program in self.needs if shutil.which(program) is None]

    def answers(self, cases: Sequence[Case], folder: Path) -> list[bool]:
        """What the snippet says of each case."""
        code = block(PAGE, self.fence, "rotated")
        if self.driver_file:
            (folder / self.file).write_text(code.replace("package webhook", "package main"))
            (folder / self.driver_file).write_text(self.driver)
        else:
            (folder / self.file).write_text(code + self.driver)
        if self.name == "C#":
            (folder / "webhooks.csproj").write_text(_PROJECT)
        done = subprocess.run(
            ["sh", "-c", " ".join(self.command)],
            cwd=folder,
            input="".join(f"{case.line()}\n" for case in cases),
            capture_output=True,
            text=True,
            timeout=WAIT,
            check=False,
            env={**os.environ, "GOCACHE": str(folder / "cache"), "GO111MODULE": "off", "DOTNET_NOLOGO": "1"},
        )
        assert done.returncode == 0, done.stderr
        return [{"true": True, "false": False}[word] for word in done.stdout.split()]


_PYTHON = """
import sys
for line in sys.stdin:
    scheme, secrets, *headers, body = line.rstrip("\\n").split("\\t")
    id, timestamp, signature = [None if value == "(none)" else value for value in headers]
    secrets, body = secrets.split(","), base64.b64decode(body)
    if scheme == "standard":
        print("true" if verify_standard(secrets, id, timestamp, signature, body) else "false")
    else:
        print("true" if verify_hex(secrets, signature, body) else "false")
"""

_NODE = """
import fs from "node:fs";
for (const line of fs.readFileSync(0, "utf8").trimEnd().split("\\n")) {
  const [scheme, secrets, ...headers] = line.split("\\t");
  const [list, body] = [secrets.split(","), Buffer.from(headers.pop(), "base64")];
  const [id, timestamp, signature] = headers.map((value) => (value === "(none)" ? undefined : value));
  const standard = scheme === "standard";
  console.log(standard ? verifyStandard(list, id, timestamp, signature, body) : verifyHex(list, signature, body));
}
"""

_GO = """package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		field := strings.Split(strings.ReplaceAll(lines.Text(), "(none)", ""), "\\t")
		body, _ := base64.StdEncoding.DecodeString(field[5])
		secrets := strings.Split(field[1], ",")
		if field[0] == "standard" {
			fmt.Println(VerifyStandard(secrets, field[2], field[3], field[4], body, 300*time.Second))
		} else {
			fmt.Println(VerifyHex(secrets, field[4], body))
		}
	}
}
"""

_RUBY = """
$stdin.each_line(chomp: true) do |line|
  scheme, secrets, *headers, body = line.split("\\t", -1)
  id, timestamp, signature = headers.map { |value| value == "(none)" ? nil : value }
  secrets, body = secrets.empty? ? [""] : secrets.split(",", -1), Base64.strict_decode64(body)
  standard = scheme == "standard"
  puts(standard ? verify_standard(secrets, id, timestamp, signature, body) : verify_hex(secrets, signature, body))
end
"""

_PHP = """
while (($line = fgets(STDIN)) !== false) {
    $field = array_map(fn($value) => $value === '(none)' ? null : $value, explode("\\t", rtrim($line, "\\n")));
    [$scheme, $secrets, $id, $timestamp, $signature, $body] = $field;
    [$secrets, $body] = [explode(',', $secrets), base64_decode($body)];
    $good = $scheme === 'standard'
        ? verify_standard($secrets, $id, $timestamp, $signature, $body)
        : verify_hex($secrets, $signature, $body);
    echo $good ? "true\\n" : "false\\n";
}
"""

_JAVA = """
class Driver {
    public static void main(String[] arguments) throws Exception {
        var lines = new java.io.BufferedReader(new java.io.InputStreamReader(System.in));
        for (String line; (line = lines.readLine()) != null; ) {
            String[] field = line.split("\\t", -1);
            for (int n = 2; n < 5; n++) if (field[n].equals("(none)")) field[n] = null;
            var secrets = List.of(field[1].split(",", -1));
            byte[] body = Base64.getDecoder().decode(field[5]);
            System.out.println(field[0].equals("standard")
                ? Webhooks.verifyStandard(secrets, field[2], field[3], field[4], body, 300)
                : Webhooks.verifyHex(secrets, field[4], body));
        }
    }
}
"""

_CSHARP = """
public static class Driver
{
    public static void Main()
    {
        while (Console.ReadLine() is { } line)
        {
            string?[] field = line.Split('\\t').Select(value => value == "(none)" ? null : value).ToArray();
            string[] secrets = field[1]!.Split(',');
            byte[] body = Convert.FromBase64String(field[5]!);
            bool good = field[0] == "standard"
                ? Webhooks.VerifyStandard(secrets, field[2], field[3], field[4], body)
                : Webhooks.VerifyHex(secrets, field[4], body);
            Console.WriteLine(good ? "true" : "false");
        }
    }
}
"""
_PROJECT = """<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net8.0</TargetFramework><Nullable>enable</Nullable></PropertyGroup>
</Project>
"""

_BASH = """
while IFS= read -r line; do
  field=()
  while [[ $line == *$'\\t'* ]]; do field+=("${line%%$'\\t'*}"); line=${line#*$'\\t'}; done
  printf %s "$line" | openssl base64 -d -A >body
  SECRETS=${field[1]//,/ }
  for n in 2 3 4; do [ "${field[n]}" = "(none)" ] && field[n]=; done
  if [ "${field[0]}" = standard ]; then
    verify_standard "${field[2]}" "${field[3]}" "${field[4]}" body && echo true || echo false
  else
    verify_hex "${field[4]}" body && echo true || echo false
  fi
done
"""

LANGUAGES = (
    Language("Python", "python", (), "snippet.py", (sys.executable, "snippet.py"), _PYTHON),
    Language("Node", "javascript", ("node",), "snippet.mjs", ("node", "snippet.mjs"), _NODE),
    Language("Go", "go", ("go",), "snippet.go", ("go", "run", "snippet.go", "main.go"), _GO, "main.go"),
    Language("Ruby", "ruby", ("ruby",), "snippet.rb", ("ruby", "-W0", "snippet.rb"), _RUBY),
    Language("PHP", "php", ("php",), "snippet.php", ("php", "snippet.php"), _PHP),
    Language(
        "Java", "java", ("java", "javac"), "Webhooks.java",
        ("javac", "Webhooks.java", "&&", "java", "-cp", ".", "Driver"), _JAVA,
    ),
    Language("C#", "csharp", ("dotnet",), "Webhooks.cs", ("dotnet", "run"), _CSHARP),
    Language("bash", "bash", ("bash", "openssl", "od"), "snippet.sh", ("bash", "snippet.sh"), _BASH),
)  # fmt: skip
