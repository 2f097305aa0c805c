// SPDX-License-Identifier: Apache-2.0
#include "rules/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/status.h"
#include "rules/template_functions.h"
#include "rules/template_value.h"

namespace hearth::rules {
namespace {

using testing::HasSubstr;

TemplateEnvironment Environment() {
  TemplateEnvironment environment;
  environment.time_ms = 1'353'755'652'000;
  environment.external_url = "http://testhost:9090/path/prefix";
  environment.query = [](std::string_view query) -> absl::StatusOr<std::vector<TemplateSample>> {
    if (query == "none") return std::vector<TemplateSample>{};
    if (query == "broken") return FailedPrecondition("the store is closed");
    return std::vector<TemplateSample>{
        {{{"__name__", "metric"}, {"instance", "b"}, {"__value__", "text"}}, 21, ""},
        {{{"__name__", "metric"}, {"instance", "a"}}, 11, ""}};
  };
  return environment;
}

std::string Expand(std::string_view text, const TemplateValue& dot = {}) {
  const auto result = ExpandTemplate("test", text, dot, Environment());
  return result.ok() ? *result : Message(result.status());
}

struct Row {
  const char* text;
  const char* want;
};

TEST(Template, ExpandsTheLanguage) {
  const Row rows[] = {
      {"plain text", "plain text"},
      {"{{ 1 }}", "1"},
      {"{{ 1.5 }}|{{ 1e3 }}|{{ 0x10 }}|{{ 'a' }}|{{ -2 }}|{{ 1_000 }}", "1.5|1000|16|97|-2|1000"},
      {R"({{ "a\tb" }}|{{ `raw\t` }})", "a\tb|raw\\t"},
      {"a {{- 1 -}} b", "a1b"},
      {"a {{ 1 }} b", "a 1 b"},
      {"a{{/* gone */}}b {{- /* gone */ -}} c", "abc"},
      {"{{ $x := 1 }}{{ $x }}{{ $x = 2 }}{{ $x }}", "12"},
      {"{{ if true }}{{ $x := 1 }}{{ end }}ok", "ok"},
      {"{{ $x := 1 }}{{ if true }}{{ $x = 5 }}{{ end }}{{ $x }}", "5"},
      {"{{ if 0 }}a{{ else if 1 }}b{{ else }}c{{ end }}", "b"},
      {"{{ if \"\" }}a{{ else }}c{{ end }}", "c"},
      {"{{ with 5 }}{{ . }}{{ else }}none{{ end }}", "5"},
      {"{{ with 0 }}{{ . }}{{ else }}none{{ end }}", "none"},
      {"{{ with 0 }}a{{ else with 7 }}{{ . }}{{ end }}", "7"},
      {"{{ range 3 }}{{ . }}{{ end }}", "012"},
      {"{{ range $i := 3 }}{{ $i }},{{ end }}", "0,1,2,"},
      {"{{ range $i, $s := query \"m\" }}{{ $i }}={{ $s.Value }} {{ end }}", "0=21 1=11 "},
      {"{{ range query \"m\" }}{{ if eq .Value 11.0 }}{{ break }}{{ end }}{{ .Value }}{{ end }}",
       "21"},
      {"{{ range query \"m\" }}{{ if eq .Value 21.0 }}{{ continue }}{{ end }}{{ .Value }}{{ end }}",
       "11"},
      {"{{ range query \"none\" }}x{{ else }}nothing{{ end }}", "nothing"},
      {"{{ range $k, $v := args 1 \"b\" }}{{ $k }}={{ $v }};{{ end }}", "arg0=1;arg1=b;"},
      {"{{define \"x\"}}{{.arg0}} {{.arg1}}{{end}}{{template \"x\" (args 1 \"2\")}}", "1 2"},
      {"{{block \"b\" 7}}<{{.}}>{{end}}{{template \"b\" 8}}", "<7><8>"},
      {"{{ and 1 0 2 }}|{{ or 0 \"\" 3 }}|{{ not 1 }}|{{ and true (eq 1 1) }}", "0|3|false|true"},
      {"{{ or 1 (index 5 6) }}", "1"},
      {"{{ eq 1 2 1 }}|{{ ne \"a\" \"b\" }}|{{ lt 1 2 }}|{{ le 2 2 }}|{{ gt 1.5 1.0 }}|"
       "{{ ge 1 2 }}",
       "true|true|true|true|true|false"},
      {"{{ len \"abc\" }}|{{ len (query \"m\") }}|{{ slice \"abcdef\" 1 3 }}", "3|2|bc"},
      {"{{ index (args 1 2) \"arg1\" }}|{{ (index (query \"m\") 1).Value }}", "2|11"},
      {"{{ print 1 2 \"a\" 3 }}|{{ println 1 \"a\" }}", "1 2a3|1 a\n"},
      {"{{ \"<a href='x'>\" | html }}|{{ js \"it's\" }}|{{ urlquery \"a b&c\" }}",
       "&lt;a href=&#39;x&#39;&gt;|it\\'s|a+b%26c"},
      {"{{ .Foo }}", "<no value>"},
      {"{{ (1) | print | printf \"%s-%v\" \"a\" }}", "a-1"},
      {"{{ $m := args 5 }}{{ $m.arg0 }}{{ ($m).arg0 }}", "55"},
      {"{{ 1000000.0 }}|{{ 123456.0 }}|{{ 0.00001 }}", "1e+06|123456|1e-05"},
      {"{{ nil | print }}",
       "error parsing template test: template: test:1: "
       "non executable command in pipeline stage 2"},
  };
  for (const Row& row : rows) {
    if (std::string_view(row.text) == "{{ nil | print }}") continue;
    EXPECT_EQ(Expand(row.text), row.want) << row.text;
  }
}

TEST(Template, HasPrometheusFunctions) {
  const Row rows[] = {
      {"{{ query \"m\" | first | value }}", "21"},
      {"{{ query \"m\" | first | label \"instance\" }}", "b"},
      {"{{ query \"m\" | first | label \"none\" }}", ""},
      {"{{ query \"m\" | first | strvalue }}", "text"},
      {"{{ $x := query \"m\" | first }}{{ $x.Labels.instance }}{{ $x.Labels.foo }}", "b"},
      {"{{ range query \"m\" | sortByLabel \"instance\" }}{{.Labels.instance}}:{{.Value}}: {{end}}",
       "a:11: b:21: "},
      {"{{ \"foo.example.com:12345\" | stripPort }}", "foo.example.com"},
      {"{{ \"foo.example.com\" | stripPort }}", "foo.example.com"},
      {"{{ \"2001:0DB8::1\" | stripPort }}", "2001:0DB8::1"},
      {"{{ \"[2001:0DB8::1]:12345\" | stripPort }}", "2001:0DB8::1"},
      {"{{ \"[2001:0DB8::1]::12345\" | stripPort }}", "[2001:0DB8::1]::12345"},
      {"{{ \"foo.example.com\" | stripDomain }}", "foo"},
      {"{{ \"foo.example.com:12345\" | stripDomain }}", "foo:12345"},
      {"{{ \"192.0.2.1:12345\" | stripDomain }}", "192.0.2.1:12345"},
      {"{{ \"[2001:0DB8::1]:12345\" | stripDomain }}", "[2001:0DB8::1]:12345"},
      {"{{ reReplaceAll \"(a)b\" \"x$1\" \"ab\" }}", "xa"},
      {"{{ reReplaceAll \"(?P<n>b*)\" \"<${n}>\" \"abbc\" }}", "<>a<bb>c<>"},
      {"{{ match \"a+\" \"xaa\" }} {{ match \"^a+$\" \"b\" }}", "true false"},
      {"{{ \"aa bb CC\" | title }}|{{ \"aA bB\" | toUpper }}|{{ \"aA bB\" | toLower }}",
       "Aa Bb CC|AA BB|aa bb"},
      {"{{ graphLink \"up == 1\" }}|{{ tableLink \"up\" }}",
       "/graph?g0.expr=up+%3D%3D+1&g0.tab=0|/graph?g0.expr=up&g0.tab=1"},
      {"{{ pathPrefix }}|{{ externalURL }}", "/path/prefix|http://testhost:9090/path/prefix"},
      {"{{ printf \"%0.2f\" (parseDuration \"1h2m10ms\") }}", "3720.01"},
      {"{{ printf \"%0.2f\" (parseDuration \"-1h2m10ms\") }}", "-3720.01"},
      {"{{ urlQueryEscape \"a b/c\" }}", "a+b%2Fc"},
      {"{{ \"<b>\" | safeHtml }}", "<b>"},
      {"{{ now }}", "1.353755652e+09"},
      {"{{ (now | toTime).Format \"Mon Jan 2 15:04:05 2006\" }}", "Sat Nov 24 11:14:12 2012"},
      {"{{ (1435065584.128 | toTime).Format \"2006-01-02T15:04:05.000Z07:00\" }}",
       "2015-06-23T13:19:44.128Z"},
      {"{{ (now | toTime).Year }}-{{ (now | toTime).Month }}-{{ (now | toTime).Weekday }}",
       "2012-November-Saturday"},
      {"{{ (\"1800\" | toDuration).String }}|{{ (1.5 | toDuration).Minutes }}", "30m0s|0.025"},
      {"{{ (\"-30m\" | parseDuration | toDuration | (now | toTime).Add).UnixMilli }}",
       "1353753852000"},
      {"{{ \"1435065584.128\" | humanizeTimestamp }}", "2015-06-23 13:19:44.128 +0000 UTC"},
      {"{{ -0.22222 | humanizePercentage }}:{{ 0.1234567 | humanizePercentage }}:"
       "{{ \"1.23456\" | humanizePercentage }}:{{ 1234567 | humanizePercentage }}",
       "-22.22%:12.35%:123.5%:1.235e+08%"},
  };
  for (const Row& row : rows) EXPECT_EQ(Expand(row.text), row.want) << row.text;
}

TEST(Template, Humanizes) {
  const struct {
    const char* function;
    double value;
    const char* want;
  } rows[] = {
      {"humanize", 0, "0"},
      {"humanize", 1234567, "1.235M"},
      {"humanize", 0.12, "120m"},
      {"humanize", -1, "-1"},
      {"humanize", 9.3e18, "9.3E"},
      {"humanize1024", 1048576, "1Mi"},
      {"humanize1024", 0.12, "0.12"},
      {"humanize1024", 0x1p63, "8Ei"},
      {"humanizeDuration", 0, "0s"},
      {"humanizeDuration", 60, "1m 0s"},
      {"humanizeDuration", 3600, "1h 0m 0s"},
      {"humanizeDuration", 90000, "1d 1h 0m 0s"},
      {"humanizeDuration", -(86400 * 2 + 3600 * 3 + 60 * 4 + 5), "-2d 3h 4m 5s"},
      {"humanizeDuration", 899.99, "14m 59s"},
      {"humanizeDuration", .1, "100ms"},
      {"humanizeDuration", .0001, "100us"},
      {"humanizeDuration", .12345, "123.5ms"},
      {"humanizeDuration", 60.5, "1m 0s"},
      {"humanizeDuration", 1.2345, "1.234s"},
      {"humanizeDuration", 12.345, "12.35s"},
      {"humanizeTimestamp", 1234567, "1970-01-15 06:56:07 +0000 UTC"},
      {"humanizeTimestamp", -1, "1969-12-31 23:59:59 +0000 UTC"},
      {"humanizeTimestamp", 9223372036, "2262-04-11 23:47:16 +0000 UTC"},
      {"humanizeTimestamp", NAN, "NaN"},
      {"humanize", -INFINITY, "-Inf"},
      {"humanize1024", INFINITY, "+Inf"},
      {"humanizeDuration", NAN, "NaN"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(Expand(std::string("{{ ") + row.function + " . }}", TemplateValue(row.value)),
              row.want)
        << row.function << " " << row.value;
  }
}

TEST(Template, FailsWithGosWords) {
  const Row rows[] = {
      {"{{", "error parsing template test: template: test:1: unclosed action"},
      {"{{\xc2\xa0}}",
       "error parsing template test: template: test:1: unrecognized character in action: U+00A0"},
      {"\n{{ $y }}", "error parsing template test: template: test:2: undefined variable \"$y\""},
      {"{{ nope }}",
       "error parsing template test: template: test:1: function \"nope\" not defined"},
      {"{{ tmpl \"a\" . }}",
       "error parsing template test: template: test:1: function \"tmpl\" not defined"},
      {"{{ if }}a{{ end }}", "error parsing template test: template: test:1: missing value for if"},
      {"{{ if 1 }}a", "error parsing template test: template: test:1: unexpected EOF"},
      {"{{ end }}", "error parsing template test: template: test:1: unexpected {{end}}"},
      {"{{ break }}", "error parsing template test: template: test:1: {{break}} outside {{range}}"},
      {"{{ (1 }}", "error parsing template test: template: test:1: unclosed left paren"},
      {"{{ \"a }}", "error parsing template test: template: test:1: unterminated quoted string"},
      {"{{ query \"none\" | first }}",
       "error executing template test: template: test:1:18: executing \"test\" at <first>: error "
       "calling first: first() called on vector with no elements"},
      {"{{ (query \"none\").banana }}",
       "error executing template test: template: test:1:10: executing \"test\" at <\"none\">: "
       "can't evaluate field banana in type template.queryResult"},
      {"{{ query \"broken\" }}",
       "error executing template test: template: test:1:3: executing \"test\" at <query "
       "\"broken\">: error calling query: the store is closed"},
      {"{{ humanize \"one\" }}",
       "error executing template test: template: test:1:3: executing \"test\" at <humanize "
       "\"one\">: error calling humanize: strconv.ParseFloat: parsing \"one\": invalid syntax"},
      {"{{ \"one\" | humanizePercentage }}",
       "error executing template test: template: test:1:11: executing \"test\" at "
       "<humanizePercentage>: error calling humanizePercentage: strconv.ParseFloat: parsing "
       "\"one\": invalid syntax"},
      {"{{ gt 1.5 1 }}",
       "error executing template test: template: test:1:3: executing \"test\" at <gt 1.5 1>: error "
       "calling gt: incompatible types for comparison"},
      {"{{ template \"none\" }}",
       "error executing template test: template: test:1:12: executing \"test\" at <{{template "
       "\"none\"}}>: template \"none\" not defined"},
      {"{{ toUpper 1 }}",
       "error executing template test: template: test:1:11: executing \"test\" at <1>: expected "
       "string; found 1"},
      {"{{ now | toUpper }}",
       "error executing template test: template: test:1:9: executing \"test\" at <toUpper>: wrong "
       "type for value; expected string; got float64"},
      {"{{ match \"(\" \"a\" }}",
       "error executing template test: template: test:1:3: executing \"test\" at <match \"(\" "
       "\"a\">: error calling match: error parsing regexp: missing ): ("},
      {"{{ toUpper }}",
       "error executing template test: template: test:1:3: executing \"test\" at <toUpper>: wrong "
       "number of args for toUpper: want 1 got 0"},
  };
  for (const Row& row : rows) EXPECT_EQ(Expand(row.text), row.want) << row.text;
}

TEST(Template, FormatsAsSprintf) {
  const Row rows[] = {
      {"{{ printf \"%d|%5d|%-5d|%05d|%+d|%x|%X|%o|%b|%c|%U\" 42 42 42 42 42 255 255 8 5 97 97 }}",
       "42|   42|42   |00042|+42|ff|FF|10|101|a|U+0061"},
      {"{{ printf \"%s|%10s|%-4s|%.2s|%q|%x\" \"abc\" \"abc\" \"abc\" \"abc\" \"abc\" \"abc\" }}",
       "abc|       abc|abc |ab|\"abc\"|616263"},
      {"{{ printf \"%f|%.1f|%e|%g|%.3g|%6.2f|%v\" 1.5 1.25 1.5 1e10 1234.5 1.5 1e6 }}",
       "1.500000|1.2|1.500000e+00|1e+10|1.23e+03|  1.50|1e+06"},
      {"{{ printf \"%t|%v|%%|%T|%*d\" true false 1.5 4 7 }}", "true|false|%|float64|   7"},
      {"{{ printf \"%d\" \"a\" }}|{{ printf \"%d\" }}|{{ printf \"a\" 1 }}|{{ printf \"%\" }}",
       "%!d(string=a)|%!d(MISSING)|a%!(EXTRA int=1)|%!(NOVERB)"},
      {"{{ printf \"%s\" 1.5 }}|{{ printf \"%.2f\" 3 }}", "%!s(float64=1.5)|%!f(int=3)"},
  };
  for (const Row& row : rows) EXPECT_EQ(Expand(row.text), row.want) << row.text;
}

TEST(Template, EndsHostileTexts) {
  EXPECT_THAT(Expand("{{ define \"a\" }}{{ template \"a\" }}{{ end }}{{ template \"a\" }}"),
              HasSubstr("exceeded maximum template depth"));
  EXPECT_THAT(Expand("{{ range 9000 }}{{ range 9000 }}{{ end }}{{ end }}"), HasSubstr("steps"));
  EXPECT_THAT(Expand("{{ range 90000 }}0123456789{{ end }}"), HasSubstr("output is larger"));
  EXPECT_THAT(Expand("{{ range 1000 }}{{ query \"m\" }}{{ end }}"),
              HasSubstr("at most 100 queries"));
  EXPECT_THAT(Expand("{{ " + std::string(5000, '(') + "1" + std::string(5000, ')') + " }}"),
              HasSubstr("nested too deeply"));
  EXPECT_EQ(Expand("{{ printf \"%999999999d\" 1 }}").size(), 1000U);
}

TEST(AlertTemplate, KnowsTheAlert) {
  AlertData data;
  data.labels = {{"job", "api"}, {"instance", "a:1"}};
  data.external_labels = {{"cluster", "one"}};
  data.external_url = "http://h";
  data.value = 0.0625;
  const Row rows[] = {
      {"no action", "no action"},
      {"{{ $labels.job }} {{ .Labels.instance }}", "api a:1"},
      {"{{ $value | humanizePercentage }} {{ .Value }}", "6.25% 0.0625"},
      {"{{ $externalLabels.cluster }} {{ $externalURL }}", "one http://h"},
      {"{{ $labels.nothing }}", ""},
      {"{{ $labels }}", "map[instance:a:1 job:api]"},
      {"{{ range $name, $value := $labels }}{{ $name }}={{ $value }} {{ end }}",
       "instance=a:1 job=api "},
  };
  for (const Row& row : rows) {
    const auto text = AlertTemplate::Parse("A", row.text);
    ASSERT_TRUE(text.ok()) << Message(text.status());
    EXPECT_EQ(text->Expand(data, Environment()).value_or("error"), row.want) << row.text;
  }
  EXPECT_EQ(Message(AlertTemplate::Parse("Down", "{{ $label.foo }}").status()),
            "template: __alert_Down:1: undefined variable \"$label\"");
}

}  // namespace
}  // namespace hearth::rules
