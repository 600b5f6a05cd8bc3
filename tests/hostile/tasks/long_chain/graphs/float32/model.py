import torch

class GraphModule(torch.nn.Module):

    def forward(self, w_0, in_0):
        tmp_0 = in_0 * 0.75
        tmp_1 = tmp_0 + w_0;  tmp_0 = None
        tmp_2 = torch.abs(tmp_1);  tmp_1 = None
        tmp_3 = tmp_2 * 0.75;  tmp_2 = None
        tmp_4 = tmp_3 + w_0;  tmp_3 = None
        tmp_5 = torch.abs(tmp_4);  tmp_4 = None
        tmp_6 = tmp_5 * 0.75;  tmp_5 = None
        tmp_7 = tmp_6 + w_0;  tmp_6 = None
        tmp_8 = torch.abs(tmp_7);  tmp_7 = None
        tmp_9 = tmp_8 * 0.75;  tmp_8 = None
        tmp_10 = tmp_9 + w_0;  tmp_9 = None
        tmp_11 = torch.abs(tmp_10);  tmp_10 = None
        tmp_12 = tmp_11 * 0.75;  tmp_11 = None
        tmp_13 = tmp_12 + w_0;  tmp_12 = None
        tmp_14 = torch.abs(tmp_13);  tmp_13 = None
        tmp_15 = tmp_14 * 0.75;  tmp_14 = None
        tmp_16 = tmp_15 + w_0;  tmp_15 = None
        tmp_17 = torch.abs(tmp_16);  tmp_16 = None
        tmp_18 = tmp_17 * 0.75;  tmp_17 = None
        tmp_19 = tmp_18 + w_0;  tmp_18 = None
        tmp_20 = torch.abs(tmp_19);  tmp_19 = None
        tmp_21 = tmp_20 * 0.75;  tmp_20 = None
        tmp_22 = tmp_21 + w_0;  tmp_21 = None
        tmp_23 = torch.abs(tmp_22);  tmp_22 = None
        tmp_24 = tmp_23 * 0.75;  tmp_23 = None
        tmp_25 = tmp_24 + w_0;  tmp_24 = None
        tmp_26 = torch.abs(tmp_25);  tmp_25 = None
        tmp_27 = tmp_26 * 0.75;  tmp_26 = None
        tmp_28 = tmp_27 + w_0;  tmp_27 = None
        tmp_29 = torch.abs(tmp_28);  tmp_28 = None
        tmp_30 = tmp_29 * 0.75;  tmp_29 = None
        tmp_31 = tmp_30 + w_0;  tmp_30 = None
        tmp_32 = torch.abs(tmp_31);  tmp_31 = None
        tmp_33 = tmp_32 * 0.75;  tmp_32 = None
        tmp_34 = tmp_33 + w_0;  tmp_33 = None
        tmp_35 = torch.abs(tmp_34);  tmp_34 = None
        tmp_36 = tmp_35 * 0.75;  tmp_35 = None
        tmp_37 = tmp_36 + w_0;  tmp_36 = None
        tmp_38 = torch.abs(tmp_37);  tmp_37 = None
        tmp_39 = tmp_38 * 0.75;  tmp_38 = None
        tmp_40 = tmp_39 + w_0;  tmp_39 = None
        tmp_41 = torch.abs(tmp_40);  tmp_40 = None
        tmp_42 = tmp_41 * 0.75;  tmp_41 = None
        tmp_43 = tmp_42 + w_0;  tmp_42 = None
        tmp_44 = torch.abs(tmp_43);  tmp_43 = None
        tmp_45 = tmp_44 * 0.75;  tmp_44 = None
        tmp_46 = tmp_45 + w_0;  tmp_45 = None
        tmp_47 = torch.abs(tmp_46);  tmp_46 = None
        tmp_48 = tmp_47 * 0.75;  tmp_47 = None
        tmp_49 = tmp_48 + w_0;  tmp_48 = None
        tmp_50 = torch.abs(tmp_49);  tmp_49 = None
        tmp_51 = tmp_50 * 0.75;  tmp_50 = None
        tmp_52 = tmp_51 + w_0;  tmp_51 = None
        tmp_53 = torch.abs(tmp_52);  tmp_52 = None
        tmp_54 = tmp_53 * 0.75;  tmp_53 = None
        tmp_55 = tmp_54 + w_0;  tmp_54 = None
        tmp_56 = torch.abs(tmp_55);  tmp_55 = None
        tmp_57 = tmp_56 * 0.75;  tmp_56 = None
        tmp_58 = tmp_57 + w_0;  tmp_57 = None
        tmp_59 = torch.abs(tmp_58);  tmp_58 = None
        tmp_60 = tmp_59 * 0.75;  tmp_59 = None
        tmp_61 = tmp_60 + w_0;  tmp_60 = None
        tmp_62 = torch.abs(tmp_61);  tmp_61 = None
        tmp_63 = tmp_62 * 0.75;  tmp_62 = None
        tmp_64 = tmp_63 + w_0;  tmp_63 = None
        tmp_65 = torch.abs(tmp_64);  tmp_64 = None
        tmp_66 = tmp_65 * 0.75;  tmp_65 = None
        tmp_67 = tmp_66 + w_0;  tmp_66 = None
        tmp_68 = torch.abs(tmp_67);  tmp_67 = None
        tmp_69 = tmp_68 * 0.75;  tmp_68 = None
        tmp_70 = tmp_69 + w_0;  tmp_69 = None
        tmp_71 = torch.abs(tmp_70);  tmp_70 = None
        tmp_72 = tmp_71 * 0.75;  tmp_71 = None
        tmp_73 = tmp_72 + w_0;  tmp_72 = None
        tmp_74 = torch.abs(tmp_73);  tmp_73 = None
        tmp_75 = tmp_74 * 0.75;  tmp_74 = None
        tmp_76 = tmp_75 + w_0;  tmp_75 = None
        tmp_77 = torch.abs(tmp_76);  tmp_76 = None
        tmp_78 = tmp_77 * 0.75;  tmp_77 = None
        tmp_79 = tmp_78 + w_0;  tmp_78 = None
        tmp_80 = torch.abs(tmp_79);  tmp_79 = None
        tmp_81 = tmp_80 * 0.75;  tmp_80 = None
        tmp_82 = tmp_81 + w_0;  tmp_81 = None
        tmp_83 = torch.abs(tmp_82);  tmp_82 = None
        tmp_84 = tmp_83 * 0.75;  tmp_83 = None
        tmp_85 = tmp_84 + w_0;  tmp_84 = None
        tmp_86 = torch.abs(tmp_85);  tmp_85 = None
        tmp_87 = tmp_86 * 0.75;  tmp_86 = None
        tmp_88 = tmp_87 + w_0;  tmp_87 = None
        tmp_89 = torch.abs(tmp_88);  tmp_88 = None
        tmp_90 = tmp_89 * 0.75;  tmp_89 = None
        tmp_91 = tmp_90 + w_0;  tmp_90 = None
        tmp_92 = torch.abs(tmp_91);  tmp_91 = None
        tmp_93 = tmp_92 * 0.75;  tmp_92 = None
        tmp_94 = tmp_93 + w_0;  tmp_93 = None
        tmp_95 = torch.abs(tmp_94);  tmp_94 = None
        tmp_96 = tmp_95 * 0.75;  tmp_95 = None
        tmp_97 = tmp_96 + w_0;  tmp_96 = None
        tmp_98 = torch.abs(tmp_97);  tmp_97 = None
        tmp_99 = tmp_98 * 0.75;  tmp_98 = None
        tmp_100 = tmp_99 + w_0;  tmp_99 = None
        tmp_101 = torch.abs(tmp_100);  tmp_100 = None
        tmp_102 = tmp_101 * 0.75;  tmp_101 = None
        tmp_103 = tmp_102 + w_0;  tmp_102 = None
        tmp_104 = torch.abs(tmp_103);  tmp_103 = None
        tmp_105 = tmp_104 * 0.75;  tmp_104 = None
        tmp_106 = tmp_105 + w_0;  tmp_105 = None
        tmp_107 = torch.abs(tmp_106);  tmp_106 = None
        tmp_108 = tmp_107 * 0.75;  tmp_107 = None
        tmp_109 = tmp_108 + w_0;  tmp_108 = None
        tmp_110 = torch.abs(tmp_109);  tmp_109 = None
        tmp_111 = tmp_110 * 0.75;  tmp_110 = None
        tmp_112 = tmp_111 + w_0;  tmp_111 = None
        tmp_113 = torch.abs(tmp_112);  tmp_112 = None
        tmp_114 = tmp_113 * 0.75;  tmp_113 = None
        tmp_115 = tmp_114 + w_0;  tmp_114 = None
        tmp_116 = torch.abs(tmp_115);  tmp_115 = None
        tmp_117 = tmp_116 * 0.75;  tmp_116 = None
        tmp_118 = tmp_117 + w_0;  tmp_117 = None
        tmp_119 = torch.abs(tmp_118);  tmp_118 = None
        tmp_120 = tmp_119 * 0.75;  tmp_119 = None
        tmp_121 = tmp_120 + w_0;  tmp_120 = None
        tmp_122 = torch.abs(tmp_121);  tmp_121 = None
        tmp_123 = tmp_122 * 0.75;  tmp_122 = None
        tmp_124 = tmp_123 + w_0;  tmp_123 = None
        tmp_125 = torch.abs(tmp_124);  tmp_124 = None
        tmp_126 = tmp_125 * 0.75;  tmp_125 = None
        tmp_127 = tmp_126 + w_0;  tmp_126 = None
        tmp_128 = torch.abs(tmp_127);  tmp_127 = None
        tmp_129 = tmp_128 * 0.75;  tmp_128 = None
        tmp_130 = tmp_129 + w_0;  tmp_129 = None
        tmp_131 = torch.abs(tmp_130);  tmp_130 = None
        tmp_132 = tmp_131 * 0.75;  tmp_131 = None
        tmp_133 = tmp_132 + w_0;  tmp_132 = None
        tmp_134 = torch.abs(tmp_133);  tmp_133 = None
        tmp_135 = tmp_134 * 0.75;  tmp_134 = None
        tmp_136 = tmp_135 + w_0;  tmp_135 = None
        tmp_137 = torch.abs(tmp_136);  tmp_136 = None
        tmp_138 = tmp_137 * 0.75;  tmp_137 = None
        tmp_139 = tmp_138 + w_0;  tmp_138 = None
        tmp_140 = torch.abs(tmp_139);  tmp_139 = None
        tmp_141 = tmp_140 * 0.75;  tmp_140 = None
        tmp_142 = tmp_141 + w_0;  tmp_141 = None
        tmp_143 = torch.abs(tmp_142);  tmp_142 = None
        return (tmp_143,)
