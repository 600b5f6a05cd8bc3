#include "tests/daemon/prometheus_reader.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <regex>
#include <vector>

#include "base/text.h"

namespace passnet {
namespace {

struct Line {
  std::string name;
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
};

bool IsMetricName(const std::string& name) {
  static const std::regex pattern("[a-zA-Z_:][a-zA-Z0-9_:]*");
  return std::regex_match(name, pattern);
}

bool IsLabelName(const std::string& name) {
  static const std::regex pattern("[a-zA-Z_][a-zA-Z0-9_]*");
  return std::regex_match(name, pattern) && !name.starts_with("__");
}

std::optional<double> ReadValue(std::string_view text) {
  if (text == "+Inf") return std::numeric_limits<double>::infinity();
  if (text == "-Inf") return -std::numeric_limits<double>::infinity();
  if (text == "NaN") return std::nan("");
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// `name="value",…}` from its first character; what stands behind the bracket is left in `*rest`.
Result<std::vector<std::pair<std::string, std::string>>> ReadLabels(std::string_view* rest) {
  std::vector<std::pair<std::string, std::string>> labels;
  for (;;) {
    const size_t equals = rest->find('=');
    if (equals == std::string_view::npos) return InvalidArgument("a label without =");
    std::string name(rest->substr(0, equals));
    if (!IsLabelName(name)) return InvalidArgument("no name of a label: " + name);
    for (const auto& [known, value] : labels) {
      if (known == name) return InvalidArgument("a label twice: " + name);
    }
    rest->remove_prefix(equals + 1);
    if (!rest->starts_with('"')) return InvalidArgument("a label's value without its quotation mark");
    std::string value;
    size_t at = 1;
    for (; at < rest->size() && (*rest)[at] != '"'; ++at) {
      if ((*rest)[at] != '\\') {
        value += (*rest)[at];
        continue;
      }
      const char escaped = ++at < rest->size() ? (*rest)[at] : '\0';
      if (escaped != '\\' && escaped != '"' && escaped != 'n') return InvalidArgument("no such escape");
      value += escaped == 'n' ? '\n' : escaped;
    }
    if (at >= rest->size()) return InvalidArgument("a label's value does not end");
    labels.emplace_back(std::move(name), std::move(value));
    rest->remove_prefix(at + 1);
    const bool more = rest->starts_with(',');
    if (!more && !rest->starts_with('}')) return InvalidArgument("neither , nor } behind a label");
    rest->remove_prefix(1);
    if (!more) return labels;
  }
}

Result<Line> ReadLine(std::string_view text) {
  Line line;
  const size_t name_end = text.find_first_of("{ ");
  if (name_end == std::string_view::npos) return InvalidArgument("a sample without a value");
  line.name = text.substr(0, name_end);
  if (!IsMetricName(line.name)) return InvalidArgument("no name of a metric: " + line.name);
  std::string_view rest = text.substr(name_end);
  if (rest.starts_with('{')) {
    rest.remove_prefix(1);
    ASSIGN_OR_RETURN(line.labels, ReadLabels(&rest));
  }
  if (!rest.starts_with(' ')) return InvalidArgument("no blank before the value");
  auto value = ReadValue(rest.substr(1));
  if (!value) return InvalidArgument("no number: " + std::string(rest.substr(1)));
  line.value = *value;
  return line;
}

class PageReader {
 public:
  Status Take(std::string_view line) {
    if (line.starts_with("# HELP ")) return Help(line.substr(7));
    if (line.starts_with("# TYPE ")) return Type(line.substr(7));
    if (line.starts_with('#') || line.empty()) return InvalidArgument("neither HELP, TYPE nor a sample");
    return Sample(line);
  }

  Result<PrometheusPage> End() {
    RETURN_IF_ERROR(EndFamily());
    return std::move(page_);
  }

 private:
  Status Help(std::string_view text) {
    RETURN_IF_ERROR(EndFamily());
    const size_t blank = text.find(' ');
    family_ = text.substr(0, blank);
    type_.clear();
    if (blank == std::string_view::npos || blank + 1 == text.size()) return InvalidArgument("HELP says nothing");
    if (!IsMetricName(family_)) return InvalidArgument("no name of a metric: " + family_);
    if (page_.types.count(family_) > 0) return InvalidArgument("a family twice: " + family_);
    page_.types[family_];
    return OkStatus();
  }

  Status Type(std::string_view text) {
    const size_t blank = text.find(' ');
    if (blank == std::string_view::npos || text.substr(0, blank) != family_ || !type_.empty()) {
      return InvalidArgument("TYPE does not follow its HELP");
    }
    type_ = text.substr(blank + 1);
    if (type_ != "counter" && type_ != "gauge" && type_ != "histogram") return InvalidArgument("no type: " + type_);
    if ((type_ == "counter") != family_.ends_with("_total")) return InvalidArgument("_total is for counters, and for all");
    page_.types[family_] = type_;
    return OkStatus();
  }

  Status Sample(std::string_view text) {
    ASSIGN_OR_RETURN(const Line line, ReadLine(text));
    if (type_.empty()) return InvalidArgument("a sample before its TYPE");
    const bool of_histogram = type_ == "histogram" && (line.name == family_ + "_bucket" || line.name == family_ + "_sum" ||
                                                       line.name == family_ + "_count");
    if (!of_histogram && (type_ == "histogram" || line.name != family_)) {
      return InvalidArgument("a sample of another family than " + family_);
    }
    if (type_ != "gauge" && !(line.value >= 0)) return InvalidArgument("counts are not negative");
    std::string series = line.name;
    char before = '{';
    for (const auto& [label, value] : line.labels) {
      series += before + label + "=\"" + value + "\"";
      before = ',';
    }
    if (!line.labels.empty()) series += '}';
    if (!page_.samples.emplace(series, line.value).second) return InvalidArgument("a series twice: " + series);
    if (line.name == family_ + "_bucket") return Bucket(line);
    return OkStatus();
  }

  Status Bucket(const Line& line) {
    if (line.labels.size() != 1 || line.labels[0].first != "le") return InvalidArgument("a bucket without its bound");
    auto bound = ReadValue(line.labels[0].second);
    if (!bound) return InvalidArgument("a bound that is no number");
    if (!buckets_.empty() && (*bound <= buckets_.back().first || line.value < buckets_.back().second)) {
      return InvalidArgument("bounds and counts of buckets rise");
    }
    buckets_.emplace_back(*bound, line.value);
    return OkStatus();
  }

  Status EndFamily() {
    if (!family_.empty() && type_.empty()) return InvalidArgument("no TYPE of " + family_);
    if (type_ == "histogram") {
      const auto count = page_.samples.find(family_ + "_count");
      if (count == page_.samples.end() || page_.samples.count(family_ + "_sum") == 0) {
        return InvalidArgument("no _sum or _count of " + family_);
      }
      const bool whole = !buckets_.empty() && std::isinf(buckets_.back().first) && buckets_.back().second == count->second;
      if (!whole) return InvalidArgument("the last bucket of " + family_ + " is not its count");
    }
    buckets_.clear();
    return OkStatus();
  }

  PrometheusPage page_;
  std::string family_;
  std::string type_;
  std::vector<std::pair<double, double>> buckets_;  // of the family
};

}  // namespace

Result<PrometheusPage> ReadPrometheus(std::string_view text) {
  if (!IsUtf8(text)) return InvalidArgument("not UTF-8");
  if (!text.ends_with('\n')) return InvalidArgument("the last line does not end");
  PageReader reader;
  size_t number = 0;
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
    ++number;
    end = text.find('\n', begin);
    const std::string_view line = text.substr(begin, end - begin);
    Status taken = reader.Take(line);
    if (!taken) return taken.error().Prefixed("line " + std::to_string(number) + " (" + std::string(line) + ")");
  }
  return reader.End();
}

}  // namespace passnet
