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
        return (tmp_71,)
