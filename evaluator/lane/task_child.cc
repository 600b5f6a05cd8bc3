#include "evaluator/lane/task_child.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/sha256.h"

namespace passnet::evaluator {
namespace {

using Json = nlohmann::json;

constexpr uint32_t kMaxDescriptionBytes = 16u << 20;

OpRecord OpOf(const Json& item) {
  OpRecord op;
  auto text = [&](const char* key) { return item.contains(key) && item[key].is_string() ? item[key].get<std::string>() : ""; };
  op.name = text("name");
  op.op = text("op");
  op.target = text("target");
  op.arguments = text("arguments");
  op.output = text("output");
  op.matchable = item.value("matchable", true);
  return op;
}

}  // namespace

Result<std::shared_ptr<TaskChild>> TaskChild::Start(std::shared_ptr<Zygote> zygote, const passbench::Graph& graph,
                                                    const std::string& device, Deadline deadline) {
  auto child = std::make_shared<TaskChild>();
  std::string source = graph.MappedSource(device);
  Json message = {{"source", source}, {"module", "passnet_graph_" + Sha256Hex(source).substr(0, 16)}};
  message["inputs"] = Json::array();
  for (const passbench::TensorMeta& meta : graph.inputs) {
    message["inputs"].push_back(
        {{"name", meta.name}, {"shape", meta.shape}, {"dtype", std::string(passbench::DTypeName(meta.dtype))}});
  }
  ForkSpec spec;
  spec.role = "task";
  spec.plan = "task";
  spec.first_frame = message.dump();
  ASSIGN_OR_RETURN(child->process_, WorkerProcess::Fork(std::move(zygote), spec, deadline));
  ASSIGN_OR_RETURN(FrameWithFds frame, child->process_->channel().ReceiveFrame(deadline, kMaxDescriptionBytes));
  Json reply = Json::parse(frame.json, nullptr, false);
  if (!reply.is_object()) return DataCorrupt("the task child sent nonsense");
  if (reply.contains("error")) {
    std::string text = reply["error"].get<std::string>();
    text.erase(text.find_last_not_of('\n') + 1);
    return InvalidArgument("graph " + graph.path + " cannot be captured: " + text.substr(text.rfind('\n') + 1));
  }
  child->random_ = reply.value("random", false);
  for (const Json& item : reply["ops"]) child->ops_.push_back(OpOf(item));
  return child;
}

std::shared_ptr<TaskChild> TaskChildCache::Find(const std::string& key) {
  auto it = std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.first == key; });
  if (it == entries_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, it);
  return it->second;
}

void TaskChildCache::Put(const std::string& key, std::shared_ptr<TaskChild> child) {
  entries_.emplace_front(key, std::move(child));
  if (entries_.size() > capacity_) entries_.pop_back();
}

}  // namespace passnet::evaluator
