#include "passbench/model_source.h"

#include <gtest/gtest.h>

namespace passnet::passbench {
namespace {

constexpr std::string_view kHead =
    "import torch\n\nfrom torch import device\n\nclass GraphModule(torch.nn.Module):\n    \n"
    "    def forward(self, in_0 : torch.Tensor, w_0):\n";

// Line 8 of the file is the first of `body`.
std::string Model(const std::string& body) { return std::string(kHead) + body; }

ModelSource Parse(const std::string& body) { return ParseModelSource(Model(body), "m.py").value(); }

std::string Refusal(const std::string& text) {
  auto parsed = ParseModelSource(text, "m.py");
  return parsed ? "accepted" : parsed.error().context;
}

TEST(ModelSourceTest, NamesParametersOperationsAndOutputs) {
  auto model = Parse(
      "        tmp_0 = torch.nn.functional.silu(in_0, inplace = True);  in_0 = None\n"
      "        tmp_1 = tmp_0[(Ellipsis, slice(None, 64, None))]\n"
      "        tmp_2 = -tmp_1 + 2 ** 3\n"
      "        tmp_3 = tmp_2.view(32, -1).__eq__(0);  tmp_2 = None\n"
      "        w_0 += tmp_3;  tmp_4 = w_0;  w_0 = tmp_3 = None\n"
      "        tmp_4[(slice(None, None, None), 2)] = tmp_0;  setitem = tmp_4;  setitem = None\n"
      "        tmp_5 = torch.cat([tmp_4, tmp_1], dim = -1).shape\n"
      "        return (tmp_4, tmp_5)\n        ");
  EXPECT_EQ(model.forward_parameters, (std::vector<std::string>{"in_0", "w_0"}));
  EXPECT_EQ(model.ops, (std::vector<std::string>{"silu", "getitem", "neg", "add", "Tensor.view", "Tensor.__eq__",
                                                 "iadd", "setitem", "cat", "getattr"}));
  EXPECT_EQ(model.outputs, 2u);
}

TEST(ModelSourceTest, SignatureMaySpanLinesAndTellTypes) {
  const std::string text =
      "import torch\n\n\nclass GraphModule(torch.nn.Module):\n    def forward(\n        self,\n"
      "        x: torch.Tensor,\n        w: torch.nn.parameter.Parameter,\n    ):\n        return (x @ w,)\n";
  auto model = ParseModelSource(text, "m.py");
  ASSERT_TRUE(model.has_value()) << model.error().context;
  EXPECT_EQ(model->forward_parameters, (std::vector<std::string>{"x", "w"}));
  EXPECT_EQ(model->ops, (std::vector<std::string>{"matmul"}));
  std::string other = text;
  other.replace(other.find("torch.Tensor"), 12, "os.PathLike_");
  EXPECT_NE(Refusal(other).find("m.py:7: the parameter's type os.PathLike_"), std::string::npos) << Refusal(other);
}

TEST(ModelSourceTest, MapsDeviceLiterals) {
  auto model = Parse(
      "        a = in_0.to(device(type='cuda', index=0))\n"
      "        b = torch.ones((1, 2), dtype = torch.int64, device = device(type='cuda', index=0))\n"
      "        c = torch.zeros([], device = 'cuda:0')\n"
      "        d = torch.zeros([], device = device(type='cpu'))\n"
      "        return (a, b, c, d)\n");
  EXPECT_EQ(model.device_literals.size(), 3u);
  const std::string cpu = model.MappedTo("cpu");
  EXPECT_NE(cpu.find("in_0.to(device(type='cpu'))\n"), std::string::npos) << cpu;
  EXPECT_NE(cpu.find("device = 'cpu')"), std::string::npos) << cpu;
  EXPECT_EQ(cpu.find("cuda"), std::string::npos) << cpu;
  const std::string second = model.MappedTo("cuda:1");
  EXPECT_NE(second.find("in_0.to(device(type='cuda', index=1))\n"), std::string::npos) << second;
  EXPECT_NE(second.find("device = 'cuda:1')"), std::string::npos) << second;
  EXPECT_NE(second.find("device(type='cpu')"), std::string::npos) << second;
  EXPECT_TRUE(ParseModelSource(cpu, "mapped").has_value());
}

// The text up to the first bracket was once taken for the callee, with a comment that swallowed what replaced the rest.
TEST(ModelSourceTest, MapsADeviceWithACommentInsideItsCall) {
  auto model = Parse("        a = in_0.to(torch.device # (\n ('cuda'))\n        return (a,)\n");
  EXPECT_NE(model.MappedTo("cpu").find("in_0.to(torch.device(type='cpu'))\n"), std::string::npos) << model.MappedTo("cpu");
}

TEST(ModelSourceTest, BlocksAreToldByIndentation) {
  EXPECT_NE(Refusal(Model("    return (in_0,)\n")).find("the line is indented by 4"), std::string::npos);
  EXPECT_NE(Refusal(Model("\t\treturn (in_0,)\n")).find("by tabs and by spaces"), std::string::npos);
  EXPECT_NE(Refusal(" " + Model("        return (in_0,)\n")).find("the line is indented by 1"), std::string::npos);
}

TEST(ModelSourceTest, TextWithoutLiteralsStaysAsItIs) {
  auto model = Parse("        return (in_0,)\n        ");
  EXPECT_EQ(model.MappedTo("cpu"), model.text);
}

struct Hostile {
  const char* body;
  const char* message;
};

class HostileModelTest : public testing::TestWithParam<Hostile> {};

TEST_P(HostileModelTest, IsRefusedWithFileAndLine) {
  const std::string message = Refusal(Model(std::string("        ") + GetParam().body + "\n        return (in_0,)\n"));
  EXPECT_NE(message.find("m.py:8: "), std::string::npos) << GetParam().body << ": " << message;
  EXPECT_NE(message.find(GetParam().message), std::string::npos) << GetParam().body << ": " << message;
}

INSTANTIATE_TEST_SUITE_P(
    Bodies, HostileModelTest,
    testing::Values(Hostile{"exec('1')", "\"exec\" is not known"}, Hostile{"a = eval('1')", "\"eval\" is not known"},
                    Hostile{"a = open('/etc/passwd')", "\"open\" is not known"},
                    Hostile{"a = __import__('os')", "\"__import__\" is not known"},
                    Hostile{"import os", "straight-line code"}, Hostile{"from os import system", "straight-line code"},
                    Hostile{"a = in_0.__class__", "attribute .__class__"},
                    Hostile{"a = in_0.__reduce__()", "method .__reduce__() is not allowed"},
                    Hostile{"a = ().__class__", ".__class__ of a constant"},
                    Hostile{"a = 'x'.format(in_0)", ".format of a constant"},
                    Hostile{"a = torch.load('x')", "torch.load() is not allowed"},
                    Hostile{"a = torch.hub.load('x', 'y')", "torch.hub.load() is not allowed"},
                    Hostile{"a = torch.ops.load_library('x')", "torch.ops.load_library() is not allowed"},
                    Hostile{"a = torch.os.system('x')", "torch.os.system() is not allowed"},
                    Hostile{"a = torch.serialization.os", "is not a constant"},
                    Hostile{"a = torch.set_num_threads(9)", "is not allowed"},
                    Hostile{"a = torch.nn.functional.__builtins__", "is not a constant"},
                    Hostile{"a = torch.from_file('x')", "is not allowed"},
                    Hostile{"a = torch.compile(in_0)", "is not allowed"},
                    Hostile{"a = in_0.apply_(in_0)", ".apply_() is not allowed"},
                    Hostile{"a = in_0.numpy()", ".numpy() is not allowed"},
                    Hostile{"a = lambda: 1", "\"lambda\" is not known"},
                    Hostile{"a = [x for x in in_0]", "\"x\" is not known"},
                    Hostile{"a = in_0 if in_0 else 1", "\"if\"; the end of the statement"},
                    Hostile{"a = in_0(1)", "the result of an expression is called"},
                    Hostile{"a = f'{in_0}'", "\"f\" is not known"}, Hostile{"torch = in_0", "cannot be a variable"},
                    Hostile{"for a in in_0: pass", "straight-line code"}, Hostile{"del in_0", "straight-line code"},
                    Hostile{"in_0.data = w_0", "\"=\"; the end of the statement"},
                    Hostile{"global x", "straight-line code"},
                    Hostile{"a = `x`", "\"`\""}, Hostile{"a = in_0 @ ", "an expression"},
                    Hostile{"a = in_0 < 1 < 2", "a chain of comparisons"}, Hostile{"a = in_0[]", "an expression"},
                    Hostile{"a = in_0[1:2:3:4]", "\"]\" is expected"}, Hostile{"a = in_0.if(1)", "an attribute"},
                    Hostile{"a = in_0.to('\\x63uda')", "a string with a backslash"},
                    Hostile{"a = torch.add(in_0, p=1, p=2)", "argument p"},
                    Hostile{"a = torch.add(p=1, in_0)", "a named argument"}, Hostile{"a = 012", "leading zeros"},
                    Hostile{"a = device(type=in_0)", "device() of a computed value"}));

TEST(ModelSourceTest, MissingPiecesAreNamed) {
  EXPECT_NE(Refusal("").find("\"import torch\" first"), std::string::npos);
  EXPECT_NE(Refusal("import os\n").find("m.py:1: \"os\""), std::string::npos);
  EXPECT_NE(Refusal("import torch, os\n").find("m.py:1: \",\""), std::string::npos);
  EXPECT_NE(Refusal("import torch\nclass Other:\n").find("m.py:2: \"Other\""), std::string::npos);
  const std::string head = "import torch\nclass GraphModule(torch.nn.Module):\n";
  EXPECT_NE(Refusal(head + "    x = 1\n").find("m.py:3: \"x\"; \"def forward"), std::string::npos);
  EXPECT_NE(Refusal(head + "    def forward2(self):\n").find("m.py:3: \"forward2\""), std::string::npos);
  EXPECT_NE(Refusal(Model("        a = in_0\n")).find("a return at the end"), std::string::npos);
  EXPECT_NE(Refusal(Model("        return (in_0,)\n        a = in_0\n")).find("nothing after return"),
            std::string::npos);
  EXPECT_NE(Refusal(Model("        return (in_0,)\nimport os\n")).find("m.py:9: \"import\""), std::string::npos);
}

TEST(ModelSourceTest, EndlessSignsAndPowersAreRefusedWithoutExhaustingTheStack) {
  EXPECT_NE(Refusal(Model("        a = " + std::string(100000, '-') + "in_0\n")).find("nests too deeply"),
            std::string::npos);
  std::string powers = "        a = in_0";
  for (int i = 0; i < 100000; ++i) powers += " ** 2";
  EXPECT_NE(Refusal(Model(powers + "\n")).find("nests too deeply"), std::string::npos);
}

}  // namespace
}  // namespace passnet::passbench
