// Says what passbench makes of Python files and of seeds, for a comparison with Python itself (differential_test.py).
// Standard input: a line of JSON a case, {"do": "model" | "weight_meta" | "inputs", "hex": bytes of the file, "seed"}.
// Standard output: a line of JSON a case, {"error": …} where the case is refused.
// Numbers are texts, since JSON has no inf and no 64 bits everywhere: "i-7", and "f" with the bits of a double.
#include <bit>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <string>

#include "base/json.h"
#include "base/sha256.h"
#include "passbench/inputs.h"

namespace passnet::passbench {
namespace {

std::string FromHex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

std::string Written(const Number& number) {
  if (const auto* integer = std::get_if<int64_t>(&number)) return "i" + std::to_string(*integer);
  if (std::isnan(AsDouble(number))) return "fnan";
  char text[24];
  std::snprintf(text, sizeof text, "f%016llx", static_cast<unsigned long long>(std::bit_cast<uint64_t>(AsDouble(number))));
  return text;
}

template <typename T>
Json WrittenOrNull(const std::optional<T>& number) {
  return number ? Json(Written(Number(*number))) : Json();
}

Result<Json> DumpModel(std::string text) {
  ASSIGN_OR_RETURN(const ModelSource model, ParseModelSource(std::move(text), "model.py"));
  Json literals = Json::MakeArray();
  for (const SourceRange& range : model.device_literals) literals.Push(Json(std::vector<size_t>{range.begin, range.end}));
  return Json{{"parameters", model.forward_parameters}, {"ops", model.ops},
              {"outputs", model.outputs},               {"literals", literals},
              {"cpu", model.MappedTo("cpu")},           {"cuda:1", model.MappedTo("cuda:1")}};
}

Json DumpTensor(const TensorMeta& meta) {
  Json data;
  if (meta.data) {
    data = Json::MakeArray();
    for (const Number& number : *meta.data) data.Push(Written(number));
  }
  return {{"class", meta.class_name},
          {"name", meta.name},
          {"shape", meta.shape},
          {"dtype", DTypeName(meta.dtype)},
          {"device", meta.device},
          {"mean", WrittenOrNull(meta.mean)},
          {"std", WrittenOrNull(meta.std)},
          {"data", data},
          {"min_val", WrittenOrNull(meta.min_val)},
          {"max_val", WrittenOrNull(meta.max_val)},
          {"line", meta.line}};
}

Result<Json> DumpWeightMeta(const std::string& text) {
  ASSIGN_OR_RETURN(const std::vector<TensorMeta> metas, ParseWeightMeta(text, "weight_meta.py"));
  Json tensors = Json::MakeArray();
  for (const TensorMeta& meta : metas) tensors.Push(DumpTensor(meta));
  return Json{{"tensors", tensors}};
}

// As an evaluation makes them, the parameters of forward in the order of the file.
Result<Json> DumpInputs(const std::string& text, uint64_t seed) {
  Graph graph;
  ASSIGN_OR_RETURN(graph.inputs, ParseWeightMeta(text, "weight_meta.py"));
  ASSIGN_OR_RETURN(const std::vector<InputTensor> inputs, MakeInputs(graph, seed));
  Json hashes = Json::MakeArray();
  for (const InputTensor& input : inputs) {
    hashes.Push(Sha256Hex({reinterpret_cast<const char*>(input.bytes.data()), input.bytes.size()}));
  }
  return Json{{"sha256", hashes}};
}

Result<Json> Dump(const Json& item) {
  const std::string bytes = FromHex(item["hex"].Text());
  const std::string& what = item["do"].Text();
  if (what == "model") return DumpModel(bytes);
  if (what == "weight_meta") return DumpWeightMeta(bytes);
  return DumpInputs(bytes, std::stoull(item["seed"].Text()));
}

}  // namespace
}  // namespace passnet::passbench

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const auto item = passnet::ParseJson(line);
    if (!item) return 2;
    const auto dumped = passnet::passbench::Dump(*item);
    std::cout << (dumped ? *dumped : passnet::Json{{"error", dumped.error().context}}).Dump() << '\n';
  }
  return 0;
}
