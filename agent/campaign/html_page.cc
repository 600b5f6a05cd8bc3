#include "agent/campaign/html_page.h"

#include "base/text.h"

namespace passnet::agent {
namespace {

constexpr std::string_view kStyle = R"css(
:root{--ink:#1d2129;--soft:#68707c;--line:#d9dde3;--page:#fff;--panel:#f6f7f9;--ours:#1f6feb;--theirs:#c2570c;
--win:#1a7f37;--loss:#b42318}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#9aa3af;--line:#3a414b;--page:#15181d;--panel:#1d2127;
--ours:#6ea8fe;--theirs:#f0a35e;--win:#56c271;--loss:#f27b70}}
body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--page);margin:2rem auto;max-width:72rem;
padding:0 1rem}
h1{font-size:1.5rem;margin:0 0 .3rem}h2{font-size:1.1rem;margin:2rem 0 .6rem}p{margin:.3rem 0}.soft{color:var(--soft)}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:.7rem;margin:1rem 0}
.figure{background:var(--panel);border-radius:.4rem;padding:.6rem .8rem}.figure b{display:block;font-size:1.25rem}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(26rem,1fr));gap:1rem}
svg{width:100%;max-width:40rem;height:auto;background:var(--panel);border-radius:.4rem}
svg text{font:11px system-ui,sans-serif;fill:var(--ink)}svg .title{font-size:13px;font-weight:600}
svg .soft{fill:var(--soft)}svg .grid{stroke:var(--line);stroke-width:1}svg polyline{fill:none;stroke-width:2}
svg .axis{stroke:var(--soft);stroke-width:1}
svg .ours{stroke:var(--ours)}svg .theirs{stroke:var(--theirs);stroke-dasharray:6 3}
svg .faint{stroke:var(--soft);stroke-width:1;opacity:.25}svg rect.bar{fill:var(--ours)}
svg circle.win{fill:var(--win)}svg circle.loss{fill:var(--loss)}svg circle.tie{fill:var(--soft)}
svg line.win{stroke:var(--win)}svg line.loss{stroke:var(--loss)}svg line.tie{stroke:var(--soft)}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:13px;width:100%}
th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{position:sticky;top:0;background:var(--page)}.number{text-align:right;white-space:nowrap}
)css";

bool LooksLikeNumber(const std::string& cell) {
  const char first = cell.empty() ? '-' : cell[0];
  return first == '-' || first == '+' || (first >= '0' && first <= '9');
}

}  // namespace

std::string EscapeHtml(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t bytes = CharacterBytes(text);
    const char c = text[0];
    const bool control = bytes == 1 && ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7F);
    if (bytes == 0 || control) {
      out += kReplacementCharacter;
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else {
      out += text.substr(0, bytes);
    }
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  return out;
}

std::string HtmlDocument(std::string_view title, std::string_view body) {
  std::string page = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n";
  page += "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n";
  page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" + EscapeHtml(title);
  page += "</title>\n<style>";
  page += kStyle;
  page += "</style></head>\n<body>\n";
  page += body;
  page += "</body></html>\n";
  return page;
}

std::string HtmlTable(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows) {
  std::vector<bool> number(header.size(), true);
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size() && i < number.size(); ++i) {
      number[i] = number[i] && LooksLikeNumber(row[i]);
    }
  }
  std::string html = "<div class=\"scroll\"><table><thead><tr>";
  auto cell = [&](const char* tag, size_t column, const std::string& text) {
    const bool right = column < number.size() && number[column];
    html += std::string("<") + tag + (right ? " class=\"number\">" : ">") + EscapeHtml(text) + "</" + tag + ">";
  };
  for (size_t i = 0; i < header.size(); ++i) cell("th", i, header[i]);
  html += "</tr></thead><tbody>\n";
  for (const auto& row : rows) {
    html += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) cell("td", i, row[i]);
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

}  // namespace passnet::agent
