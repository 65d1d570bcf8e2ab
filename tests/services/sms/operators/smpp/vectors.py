"""SMPP bytes made by others, and what they say. Only hexadecimal data is taken over; where from stands above each."""

from services.sms.operators.smpp.pdu import (
    BindTransceiver,
    BindTransceiverResp,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Pdu,
    QuerySm,
    QuerySmResp,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)

# twitter-archive/cloudhopper-smpp (Apache-2.0), PduDecoderTest.java and DeliveryReceiptTest.java: recorded traffic.
CLOUDHOPPER_RECEIPT = (
    "000000BA00000005000000000000000200010134343935313336313932300001013430343034000400000000000000006E69643A30303539"
    "313133393738207375623A30303120646C7672643A303031207375626D697420646174653A3130303231303137333020646F6E6520646174"
    "653A3130303231303137333120737461743A44454C49565244206572723A30303020746578743A4024232125262F3A000E00010100060001"
    "01001E000833383630316661000427000102"
)
# The vendor's mistake is kept in the same test: an optional parameter that says 0x41 octets and has five.
CLOUDHOPPER_BROKEN_RECEIPT = (
    "000000a40000000500000000000000050001013233343830333337363831353100050056414e534f000400000000040000006369643a3030"
    "3030303033303035207375623a30303120646c7672643a303031207375626d697420646174653a3130303131383134333120646f6e652064"
    "6174653a3130303131383134333120737461743a44454c49565244206572723a3030302074650427000102001e00413330303500"
)
CLOUDHOPPER = [
    ("0000001000000015000000000a342ee7", Pdu(171192039, EnquireLink())),
    ("0000001000000015000000007fffffff", Pdu(2147483647, EnquireLink())),
    ("0000001080000015000000000a342eed", Pdu(171192045, EnquireLinkResp())),
    ("0000001c80000004000000000a342ee1393432353834333135393400", Pdu(171192033, SubmitSmResp("94258431594"))),
    ("0000001180000004000000000a342ee100", Pdu(171192033, SubmitSmResp())),
    ("0000001c800000050000000000116ac7393432353834333135393400", Pdu(1141447, DeliverSmResp("94258431594"))),
    ("00000011800000050000000000116ac700", Pdu(1141447, DeliverSmResp())),
    (
        "0000001f800000090000000000039951536d73632053696d756c61746f7200",
        Pdu(235857, BindTransceiverResp("Smsc Simulator")),
    ),
    ("00000015800000090000000e00004db3534d534300", Pdu(19891, BindTransceiverResp("SMSC"), 0x0E)),
    (
        "0000001d800000090000000000039943536d7363204757000210000134",
        Pdu(235843, BindTransceiverResp("Smsc GW", ((0x0210, b"\x34"),))),
    ),
    (
        "00000023000000090000000000039951414c4c5f545700414c4c5f5457000034010200",
        Pdu(235857, BindTransceiver("ALL_TW", "ALL_TW", addr_ton=1, addr_npi=2)),
    ),
    (
        "0000004000000005000000000000000300020138373635343332310004093430343034000000000000000000000840242321"
        "25262F3A000E0001010006000101",
        Pdu(
            3,
            DeliverSm(
                source="87654321",
                source_ton=2,
                source_npi=1,
                destination="40404",
                destination_ton=4,
                destination_npi=9,
                short_message=b"@$#!%&/:",
                tlvs=((0x000E, b"\1"), (0x0006, b"\1")),
            ),
        ),
    ),
    (
        "00000039000000040000000000004FE8000101343034303400010134343935313336313932300000000000000100000008402423212526"
        "2F3A",
        Pdu(
            20456,
            SubmitSm(
                source="40404",
                source_ton=1,
                source_npi=1,
                destination="44951361920",
                destination_ton=1,
                destination_npi=1,
                registered_delivery=1,
                short_message=b"@$#!%&/:",
            ),
        ),
    ),
    (
        "00000040000000050000000000657E4E000201343439353133363139320004093430343034000000000000000000000000"
        "0E0001010006000101042400024F6B",
        Pdu(
            6651470,
            DeliverSm(
                source="4495136192",
                source_ton=2,
                source_npi=1,
                destination="40404",
                destination_ton=4,
                destination_npi=9,
                short_message=b"",
                tlvs=((0x000E, b"\1"), (0x0006, b"\1"), (0x0424, b"Ok")),
            ),
        ),
    ),
    ("00000010000000060000000000000001", Pdu(1, Unbind())),
    ("00000010800000060000000000000001", Pdu(1, UnbindResp())),
    ("00000010800000000000000100082a77", Pdu(535159, GenericNack(), 0x01)),
]
# Accepted by the same tests, but written differently by us (the body left out, although nothing was refused).
CLOUDHOPPER_WITHOUT_BODY = [
    ("0000001080000004000000000a342ee1", Pdu(171192033, SubmitSmResp())),
    ("00000010800000050000000000116ac7", Pdu(1141447, DeliverSmResp())),
]

# Mozes' smpp.pdu in jookies/jasmin (Apache-2.0), jasmin/vendor/smpp/pdu/tests/test_pdu_encoding.py.
MOZES_RECEIPT = (
    "000000b900000005000000000000000a434d5400010036353135353535363738000100313233000400000000000000007669643a31383931"
    "323733333231207375623a30303120646c7672643a303031207375626d697420646174653a3133303530353038323620646f6e6520646174"
    "653a3133303530353038323620737461743a44454c49565244206572723a30303020546578743a444c56524420544f204d4f42494c450004"
    "27000102001e0009373042413841363900"
)
MOZES = [
    (
        "0000002d0000000900000000000000027465737400736563726574004f5441003402063132372e302e302e2a00",
        Pdu(2, BindTransceiver("test", "secret", "OTA", 0x34, 2, 6, "127.0.0.*")),
    ),
    (
        "0000001d80000009000000000000000154534937353838000210000134",
        Pdu(1, BindTransceiverResp("TSI7588", ((0x0210, b"\x34"),))),
    ),
    ("00000010800000000000000800000000", Pdu(0, GenericNack(), 0x08)),
    (
        "0000004d00000005000000009f88f12441575342440001013136353035353531323334000101313737333535353430373000000000"
        "000000000300117468657265206973206e6f2073706f6f6e",
        Pdu(
            2676551972,
            DeliverSm(
                service_type="AWSBD",
                source="16505551234",
                source_ton=1,
                source_npi=1,
                destination="17735554070",
                destination_ton=1,
                destination_npi=1,
                data_coding=3,
                short_message=b"there is no spoon",
            ),
        ),
    ),
    (
        "00000066000000050000000000000001424d38000101343631323334353637383900010131343034363635333431300000000000"
        "000000f2001b48656c6c6f2049276d206120626967672066616e206f6620796f7502020004a037343202030005a034313331",
        Pdu(
            1,
            DeliverSm(
                service_type="BM8",
                source="46123456789",
                source_ton=1,
                source_npi=1,
                destination="14046653410",
                destination_ton=1,
                destination_npi=1,
                data_coding=0xF2,
                short_message=b"Hello I'm a bigg fan of you",
                tlvs=((0x0202, b"\xa0742"), (0x0203, b"\xa04131")),
            ),
        ),
    ),
    ("0000001c800000030000000000000000536d73633230303300000700", Pdu(0, QuerySmResp("Smsc2003", "", 7, 0))),
    (
        "000000360000000400000000000024440005006d6f62696c65776179000101313230383233300000000000000100f2000548454c4c4f",
        Pdu(
            9284,
            SubmitSm(
                source="mobileway",
                source_ton=5,
                destination="1208230",
                destination_ton=1,
                destination_npi=1,
                registered_delivery=1,
                data_coding=0xF2,
                short_message=b"HELLO",
            ),
        ),
    ),
    ("000000108000000400000014000004d2", Pdu(1234, SubmitSmResp(), 0x14)),
    ("00000010800000090000000e00000d80", Pdu(3456, BindTransceiverResp(), 0x0E)),
]
# The same file's broken ones: too short, too long, not as long as they say, ending inside an optional parameter.
MOZES_BROKEN = [
    "0000000f000000060000000000000000",
    "00000011000000060000000000000000ff",
    "000000fd80000009000000000000000154534937353838000210000134",
    "0000001c80000009000000000000000154534937353838000210000134",
    "0000001b8000000900000000000000015453493735383800021000",
]

# Made with the PyPI package smpplib 2.2.4 (make_parts, make_pdu(...).generate()).
SMPPLIB_TEXT = (
    "سلام. درخواست شما با کد رهگیری ۷K3M9P ثبت شد و به اداره‌ی کل بیمه‌ی تأمین اجتماعی استان تهران ارجاع گردید. با تشکر"
)
SMPPLIB_PARTS = [
    (
        "000000c70000000400000000000000020000013330303031303030000101393839313231323334353637004000000000010008008c05"
        "0003a502010633064406270645002e0020062f0631062e064806270633062a0020063406450627002006280627002006a9062f002006"
        "31064706af06cc063106cc002006f7004b0033004d003900500020062b0628062a00200634062f002006480020062806470020062706"
        "2f062706310647200c06cc002006a906440020062806cc06450647200c06cc020400020201"
    ),
    (
        "0000009f0000000400000000000000030000013330303031303030000101393839313231323334353637004000000000010008006405"
        "0003a502020020062a0623064506cc064600200627062c062a06450627063906cc002006270633062a062706460020062a0647063106"
        "270646002006270631062c06270639002006af0631062f06cc062f002e0020062806270020062a063406a90631020400020202"
    ),
]
SMPPLIB_BIND = "0000002700000009000000000000000173656461007365637265743100564d4100340101393800"
SMPPLIB_UNBIND = "00000010000000060000000000000009"
SMPPLIB_SAR = (
    "0000004d00000004000000000000000600000133303030313030300001013938393132313233343536370000000000000000000008706172"
    "742074776f020c00021234020e000102020f000102"
)
SMPPLIB_PAYLOAD = (
    "0000004100000004000000000000000700000133303030313030300001013938393132313233343536370000000000000000080000042400"
    "080633064406270645"
)
SMPPLIB_GSM = (
    "000000440000000400000000000000040005005345444100010139383931323132333435363700000000000000000000135072696365201b"
    "28351b651b29201b3d206f6b"
)
SMPPLIB = [
    (SMPPLIB_BIND, Pdu(1, BindTransceiver("seda", "secret1", "VMA", 0x34, 1, 1, "98"))),
    (
        "0000002e000000030000000000000005313863326630613162326330303030303031000001333030303130303000",
        Pdu(5, QuerySm("18c2f0a1b2c0000001", "30001000", 0, 1)),
    ),
    ("00000010000000150000000000000008", Pdu(8, EnquireLink())),
    ("0000001180000005000000000000000900", Pdu(9, DeliverSmResp())),
    (
        SMPPLIB_SAR,
        Pdu(
            6,
            SubmitSm(
                source="30001000",
                source_npi=1,
                destination="989121234567",
                destination_ton=1,
                destination_npi=1,
                short_message=b"part two",
                tlvs=((0x020C, b"\x12\x34"), (0x020E, b"\2"), (0x020F, b"\2")),
            ),
        ),
    ),
]
