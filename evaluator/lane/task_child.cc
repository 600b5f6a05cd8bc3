#include "evaluator/lane/task_child.h"

#include <algorithm>

#include "base/sha256.h"
#include "evaluator/api/json.h"
#include "evaluator/integrity/judge.h"
#include "evaluator/lane/worker_answer.h"

namespace passnet::evaluator {
namespace {

constexpr uint32_t kMaxDescriptionBytes = 16u << 20;

Json FirstFrame(const passbench::Graph& graph) {
  // On every lane: a task child has no device.
  const std::string source = graph.MappedSource("cpu");
  Json inputs = Json::MakeArray();
  for (const passbench::TensorMeta& meta : graph.inputs) {
    inputs.Push({{"name", meta.name}, {"shape", meta.shape}, {"dtype", passbench::DTypeName(meta.dtype)}});
  }
  return {{"source", source}, {"module", "passnet_graph_" + Sha256Hex(source).substr(0, 16)}, {"inputs", inputs}};
}

}  // namespace

Result<std::shared_ptr<TaskChild>> TaskChild::Start(std::shared_ptr<ForkParent> zygote, const passbench::Graph& graph,
                                                    Deadline deadline) {
  auto child = std::make_shared<TaskChild>();
  ForkSpec spec;
  spec.role = "task";
  spec.plan = "task";
  child->asked_ = FirstFrame(graph);
  spec.first_frame = child->asked_.Dump();
  ASSIGN_OR_RETURN(child->process_, WorkerProcess::Fork(std::move(zygote), spec, deadline));
  ASSIGN_OR_RETURN(FrameWithFds frame, child->process_->channel().ReceiveFrame(deadline, kMaxDescriptionBytes));
  RETURN_IF_ERROR(child->TakeDescription(frame.json, graph.path));
  return child;
}

Status TaskChild::TakeDescription(std::string_view text, const std::string& graph) {
  constexpr const char* kWho = "the task child";
  ASSIGN_OR_RETURN(Json answer, ParseAnswer(text, kWho));
  ASSIGN_OR_RETURN(std::optional<std::string> words, ErrorIn(answer, kWho));
  if (words) return InvalidArgument("graph " + graph + " cannot be captured: " + integrity::LastLine(*words));
  return ReadAnswer(answer, kWho, [&](FieldVisitor& fields) {
    fields.Required("random");
    fields.Flag("random", &random_);
    fields.Required("ops");
    // The text of an operator that has none of that kind (an output has no target) is null.
    VisitList(fields, "ops", &ops_, [](FieldVisitor& item, OpRecord& op) { VisitFields(item, op); });
  });
}

std::shared_ptr<TaskChild> TaskChildCache::Find(const std::string& key) {
  auto it = std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.first == key; });
  if (it == entries_.end()) return nullptr;
  if (it->second->lost()) {
    entries_.erase(it);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, it);
  return it->second;
}

void TaskChildCache::Put(const std::string& key, std::shared_ptr<TaskChild> child) {
  entries_.emplace_front(key, std::move(child));
  if (entries_.size() > capacity_) entries_.pop_back();
}

}  // namespace passnet::evaluator
