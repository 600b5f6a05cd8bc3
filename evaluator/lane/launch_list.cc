#include "evaluator/lane/launch_list.h"

#include <algorithm>
#include <cctype>
#include <limits>

#include "base/fields.h"
#include "evaluator/lane/slots.h"
#include "evaluator/lane/worker_answer.h"

namespace passnet::evaluator {
namespace {

constexpr const char* kTeller = "the witness's list of launches";

// As evaluator/worker/native/recorder.cc and kernels.cc bound them.
constexpr size_t kMostCalls = 64, kMostPlaces = 64, kMostLaunches = 64, kMostTensors = 32, kMostScalars = 64;
constexpr size_t kMostLaunchNameBytes = 128, kMostReasonBytes = 256, kMostDims = 8;
constexpr int64_t kMostElements = 1ll << 40;  // of memory no lane has

void VisitGeometry(FieldVisitor& fields, std::vector<int64_t>* shape, std::vector<int64_t>* strides) {
  for (auto [key, numbers] : {std::pair{"shape", shape}, {"strides", strides}}) {
    fields.Required(key);
    fields.Integers(key, numbers, 0, kMostElements);
  }
}

void VisitPlace(FieldVisitor& fields, LaunchPlace& place) {
  fields.Required("argument");
  fields.Integer("argument", &place.argument, -1, std::numeric_limits<int>::max());
  fields.Required("type");
  VisitInteger(fields, "type", &place.type, 0, 15);
  VisitGeometry(fields, &place.shape, &place.strides);
}

void VisitView(FieldVisitor& fields, LaunchView& view) {
  fields.Required("place");
  fields.Integer("place", &view.place, 0, static_cast<int64_t>(kMostPlaces) - 1);
  fields.Required("offset");
  fields.Integer("offset", &view.offset, 0, kMostElements);
  VisitGeometry(fields, &view.shape, &view.strides);
}

void VisitScalar(FieldVisitor& fields, LaunchScalar& scalar) {
  fields.Required("float");
  fields.Flag("float", &scalar.is_float);
  fields.Required("bits");
  fields.Integer("bits", &scalar.bits, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
}

void VisitLaunch(FieldVisitor& fields, Launch& launch) {
  for (auto [key, text] : {std::pair{"kernel", &launch.kernel}, {"function", &launch.function}}) {
    fields.Required(key);
    fields.Text(key, text);
  }
  for (const char* key : {"inputs", "outputs", "scalars"}) fields.Required(key);
  VisitList(fields, "inputs", &launch.inputs, VisitView);
  VisitList(fields, "outputs", &launch.outputs, VisitView);
  VisitList(fields, "scalars", &launch.scalars, VisitScalar);
}

void VisitCall(FieldVisitor& fields, RecordedCall& call) {
  for (const char* key : {"arguments", "places", "launches", "many", "results"}) fields.Required(key);
  fields.Integer("arguments", &call.arguments, 0, 255);
  VisitList(fields, "places", &call.places, VisitPlace);
  VisitList(fields, "launches", &call.launches, VisitLaunch);
  fields.Flag("many", &call.many);
  VisitList(fields, "results", &call.results, VisitView);
}

// Before they are read one by one: a frame holds millions of empty ones.
bool Countable(const Json& told) {
  if (told["calls"].size() > kMostCalls) return false;
  for (const Json& call : told["calls"].Items()) {
    if (call["places"].size() > kMostPlaces || call["launches"].size() > kMostLaunches) return false;
    if (call["results"].size() > kMostTensors) return false;
    for (const Json& launch : call["launches"].Items()) {
      if (std::max(launch["inputs"].size(), launch["outputs"].size()) > kMostTensors) return false;
      if (launch["scalars"].size() > kMostScalars) return false;
    }
  }
  return true;
}

bool IsName(const std::string& name, std::string_view more) {
  return !name.empty() && name.size() <= kMostLaunchNameBytes && std::all_of(name.begin(), name.end(), [&](unsigned char c) {
    return (c < 0x80 && std::isalnum(c) != 0) || c == '_' || more.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

// Elements from the first to behind the last; -1: more than there can be, or no geometry. Sizes and strides are bounded, so
// that no sum of eight products of two overflows 128 bits.
int64_t ElementsSpanned(const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
  if (shape.size() != strides.size() || shape.size() > kMostDims) return -1;
  __int128 last = 0;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 0) return 0;
    last += static_cast<__int128>(shape[d] - 1) * strides[d];
  }
  return last < kMostElements ? static_cast<int64_t>(last) + 1 : -1;
}

bool Lies(const LaunchView& view, const std::vector<LaunchPlace>& places) {
  if (view.place >= static_cast<int64_t>(places.size())) return false;
  const LaunchPlace& place = places[static_cast<size_t>(view.place)];
  const int64_t extent = ElementsSpanned(view.shape, view.strides);
  return extent > 0 && view.offset + extent <= ElementsSpanned(place.shape, place.strides);
}

bool LieAll(const std::vector<LaunchView>& views, const std::vector<LaunchPlace>& places) {
  return std::all_of(views.begin(), views.end(), [&](const LaunchView& view) { return Lies(view, places); });
}

const char* WrongIn(const RecordedCall& call) {
  for (const LaunchPlace& place : call.places) {
    if (place.argument >= call.arguments) return "a tensor is an argument that the function has not";
    if (DtypeOf(place.type).empty()) return "a type that no kernel takes";
    if (ElementsSpanned(place.shape, place.strides) < 0) return "a tensor that cannot be";
  }
  for (const Launch& launch : call.launches) {
    if (!IsName(launch.kernel, "-.") || !IsName(launch.function, "")) return "a name that no kernel has";
    if (!LieAll(launch.inputs, call.places) || !LieAll(launch.outputs, call.places)) return "an argument beside its tensor";
  }
  if (!call.many && call.results.size() != 1) return "one result that is not one";
  if (!LieAll(call.results, call.places)) return "a result beside its tensor";
  return nullptr;
}

}  // namespace

Result<LaunchList> ReadLaunches(const Json& told) {
  if (!told.is_object()) return DataCorrupt(std::string(kTeller) + " is none");
  if (!Countable(told)) return DataCorrupt(std::string(kTeller) + " is longer than it could have been kept");
  LaunchList list;
  RETURN_IF_ERROR(ReadAnswer(told, kTeller, [&](FieldVisitor& fields) {
    fields.Required("why");
    fields.Text("why", &list.why);
    fields.Required("calls");
    VisitList(fields, "calls", &list.calls, VisitCall);
  }));
  if (list.why.size() > kMostReasonBytes) return DataCorrupt(std::string(kTeller) + " has a reason that nobody gave it");
  for (const RecordedCall& call : list.calls) {
    if (const char* wrong = WrongIn(call)) return DataCorrupt(std::string(kTeller) + " has " + wrong);
  }
  return list;
}

Json LaunchesJson(const LaunchList& list) {
  LaunchList written{{}, list.calls};
  const Json whole = WriteFields([&](FieldVisitor& fields) { VisitList(fields, "calls", &written.calls, VisitCall); });
  return whole["calls"];
}

}  // namespace passnet::evaluator
