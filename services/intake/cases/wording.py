"""The steps and states of a case in a citizen's words."""

from shared.kit.web.language import Text

STEPS: dict[str, Text] = {
    "registered": Text("درخواست شما ثبت شد", "Your case was registered"),
    "supplemented": Text("توضیح شما افزوده شد", "Your message was added"),
    "assigned": Text("به واحد رسیدگی‌کننده سپرده شد", "It was given to the department in charge"),
    "referred": Text("به واحد دیگری ارجاع شد", "It was referred to another department"),
    "accepted": Text("رسیدگی آغاز شد", "The department took it in hand"),
    "information_requested": Text("از شما پرسشی شده است", "The department has a question for you"),
    "progressed": Text("گزارش پیشرفت", "News of its progress"),
    "extended": Text("مهلت پاسخ تمدید شد", "The date of the answer was moved"),
    "overdue": Text("مهلت پاسخ گذشت", "The date of the answer has passed"),
    "decided": Text("تصمیم گرفته شد", "It was decided"),
    "closed": Text("پرونده بسته شد", "The case was closed"),
    "merged": Text("با پروندهٔ دیگر شما یکی شد", "It was joined with another case of yours"),
    "reopened": Text("پرونده دوباره باز شد", "The case was opened again"),
    "reopening_refused": Text("بازگشودن پرونده ممکن نشد", "It could not be opened again"),
    "withdrawn": Text("به خواست شما پس گرفته شد", "It was withdrawn as you asked"),
    "moved": Text("رسیدگی به واحد دیگری سپرده شد", "It was handed to another office"),
    "letter_issued": Text("پاسخ کتبی صادر شد", "The written answer was issued"),
    "letter_handed_over": Text("پاسخ کتبی به پست سپرده شد", "The written answer was handed to the post"),
    "letter_delivered": Text("پاسخ کتبی به نشانی شما رسید", "The written answer reached your address"),
    "letter_returned": Text("پاسخ کتبی از نشانی شما برگشت خورد", "The written answer came back from your address"),
}

STATUSES: dict[str, Text] = {
    "registered": Text("ثبت‌شده", "Registered"),
    "assigned": Text("سپرده به واحد", "Assigned"),
    "in_progress": Text("در دست رسیدگی", "In progress"),
    "awaiting_citizen": Text("در انتظار پاسخ شما", "Awaiting your answer"),
    "decided": Text("تصمیم گرفته شده", "Decided"),
    "closed": Text("بسته", "Closed"),
    "reopened": Text("بازگشوده", "Reopened"),
    "withdrawn": Text("پس‌گرفته", "Withdrawn"),
    "moved": Text("منتقل‌شده", "Moved"),
}
